"""The pages of the public names, a page a package.

`GROUPS` says under which heading each name stands; mkdocstrings writes its
signature and its docstring.
"""

import importlib
import inspect
from pathlib import Path
from typing import Any

from nasnet_keras import _MODULES

# By package and heading. A name of a module that the package does not hand
# on has the whole path.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "nasnet_keras": {
        "Networks": (
            *("build_network", "load_model", "Conventions"),
            "network.skeletons.plan_cells",
        ),
        "Genotypes": (
            *("Genotype", "CellSpec", "Block"),
            *("read_genotype", "write_genotype"),
            "genotype.NASNET_OPERATIONS",
        ),
        "Pictures": ("draw_genotype", "draw_cell"),
        "Costs and latency": (
            *("Complexity", "genotype_complexity", "multiply_adds"),
            *("measure_latency", "LatencyTable"),
        ),
        "Data and training": (
            "load_dataset",
            "training.run.run_training",
            "training.settings.TrainingSettings",
            "training.recipes.Recipe",
            "training.recipes.RECIPES",
            "training.evaluation.evaluate.evaluate_network",
            "training.evaluation.evaluate.NetworkEvaluation",
        ),
        "Deployment": (
            *("fuse_for_inference", "export", "as_classifier", "classify"),
            "ClassNames",
        ),
        "Layers": (
            *("Cell", "FactorizedReduction", "DropPath", "AuxiliaryHead"),
            *("InvertedResidual", "ResidualConvolution", "SqueezeExcite"),
            *("ChannelGather", "OperationGraph"),
        ),
        "Operations": _MODULES["nasnet_keras.layers.operations"],
        "Combiners": _MODULES["nasnet_keras.layers.combiners"],
        "Published cells": _MODULES["nasnet_keras.published"],
        "Kinds of architectures": (
            "architectures.ArchitectureKind",
            "kinds.cells.CellsKind",
            *("kinds.layerwise.LayerwiseKind", "kinds.layerwise.NAS_V1"),
            *("kinds.mobile.MobileKind", "kinds.mobile.MNASNET_A1"),
            "kinds.graphs.motif_hierarchy.LIU_2018",
        ),
    },
    "zoo": {
        "Networks by name": ("list_models", "create_model"),
        "Builders": (
            *("NASNetMobile", "NASNetLarge", "NASNetCIFAR", "NASNetCIFARNano"),
            *("PNASNet5Mobile", "PNASNet5Large", "AmoebaNetA", "MobileNetV2"),
            *("MnasNetA1", "MnasNetB1", "MnasNetSmall", "ProxylessNASCPU"),
            *("ProxylessNASGPU", "ProxylessNASMobile", "CondenseNet74"),
            *("SENet154", "SEResNet50", "ShuffleNetV1", "ShuffleNetV2"),
        ),
        "Images and classes": (
            *("preprocess_input", "decode_predictions", "CIFAR10_CLASSES"),
        ),
        "Pictures": ("plot_cell",),
        "Presets": ("Preset", "PRESETS", "table"),
        "Weights": ("weights",),
        "KerasHub": ("hub.NASNetBackbone", "hub.NASNetImageClassifier"),
    },
    "search": {
        "Runs": ("run", "resume", "load", "Run", "Trial", "TrialState"),
        "After a search": (
            *("export", "retrain", "rank_correlation"),
            *("pareto.pareto_front", "views.report.page.write_report"),
        ),
        "Settings": ("RunConfig", "ChildConfig", "ExecutionConfig"),
        "Spaces": (
            *("NASNetSpace", "ChoiceSpace", "RecipeSpace", "SearchSpace"),
            "Decision",
        ),
        "Strategies": ("Strategy",),
        "Evaluators": ("Evaluator", "Child", "Evaluation", "EvaluationError"),
        "Shared weights": (
            "weight_sharing.shared_network.SharedNetwork",
            "weight_sharing.subnetwork.Subnetwork",
        ),
        "Observers": ("Observer",),
        "Errors": ("InputError", "SearchError"),
        "Checks of classes of one's own": ("testing",),
    },
    "nasnet_auto": {
        "Runs": ("run", "load", "Result", "Display"),
        "Tuning of a training": ("tuning.tune",),
    },
}


def homes(package: str) -> dict[str, str]:
    """The module of each public name of a package."""
    module = importlib.import_module(package)
    if hasattr(module, "_MODULES"):
        return {
            name: home
            for home, names in module._MODULES.items()
            for name in names
        }
    return dict(module._HOMES)


def reference_page(package: str) -> str:
    """The page of a package."""
    lines = [f"# {package}", "", f"::: {package}", *_options(members="false")]
    for heading, names in GROUPS[package].items():
        lines += ["", f"## {heading}"]
        for name in names:
            lines += ["", f"::: {package}.{name}", *_options(heading_level="3")]
    return "\n".join(lines) + "\n"


def _options(**options: str) -> list[str]:
    given = [f"      {name}: {value}" for name, value in options.items()]
    if "members" in options:
        given.append("      show_root_heading: false")
    return ["    options:", *given]


def docstring_of(package: str, name: str) -> str:
    """What is said of a public name: its docstring, or of a constant the
    comment above it. Empty if nothing is."""
    value = getattr(importlib.import_module(package), name)
    if isinstance(value, type) or inspect.isroutine(value):
        return inspect.getdoc(value) or ""
    module = importlib.import_module(homes(package)[name])
    return comment_above(Path(str(module.__file__)), name)


def comment_above(path: Path, name: str) -> str:
    """The comment above the assignment of a constant, without its `#`."""
    lines = path.read_text().splitlines()
    number = next(
        number
        for number, line in enumerate(lines)
        if line.startswith((f"{name} =", f"{name}: "))
    )
    comment: list[str] = []
    while number and lines[number - 1].startswith("#"):
        number -= 1
        comment.insert(0, lines[number].removeprefix("#").strip())
    return "\n".join(comment)


def fenced(docstring: str) -> str:
    """A docstring whose examples are blocks of code for Markdown."""
    lines: list[str] = []
    inside = False
    for line in [*docstring.splitlines(), ""]:
        stripped = line.strip()
        margin = line[: len(line) - len(line.lstrip())]
        if stripped.startswith(">>>") and not inside:
            inside, fence = True, f"{margin}```"
            lines.append(f"{fence}pycon")
        elif inside and not stripped:
            inside = False
            lines.append(fence)
        lines.append("**Example**" if stripped == "Example:" else line)
    return "\n".join(lines).rstrip()


def public(package: str) -> Any:
    """All that a package hands on."""
    return importlib.import_module(package).__all__
