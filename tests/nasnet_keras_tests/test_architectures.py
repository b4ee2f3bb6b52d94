import json
import os
import sys
import types

import keras
import numpy as np
import pytest

from nasnet_keras.architectures import (
    KINDS,
    MAX_BYTES,
    Complexity,
    check_size,
    find_kind,
    from_data,
    read_architecture,
    to_data,
)
from nasnet_keras.console.command_line import InputError
from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.deployment.latency.measurement import measure_latency
from nasnet_keras.graph_nodes import (
    Convolution,
    Normalization,
    Shuffle,
    Squeeze,
)
from nasnet_keras.kinds.choices import ChoiceNetworks, ChosenNetwork
from nasnet_keras.kinds.graphs.edge_cell import EdgeCell
from nasnet_keras.kinds.graphs.motif_hierarchy import MotifHierarchy
from nasnet_keras.kinds.graphs.vertex_module import VertexModule
from nasnet_keras.kinds.layerwise import NAS_V1
from nasnet_keras.kinds.mobile import MNASNET_A1
from nasnet_keras.kinds.multibranch import MultiBranchArchitecture
from nasnet_keras.published import NASNET_A
from nasnet_keras.training.recipes import RECIPES, adapted
from nasnet_keras.training.settings import recipe_arguments
from nasnet_keras.units import Unit

# An architecture of each kind.
EXAMPLES = {
    "nasnet": NASNET_A,
    "layerwise": NAS_V1,
    "mobile": MNASNET_A1,
    "hierarchical": MotifHierarchy(("mps", "dai"), "121"),
    "nasbench101": VertexModule(
        ((0,), (0, 1), (1,), (0, 2, 3)),
        ("conv3x3-bn-relu", "maxpool3x3", "conv1x1-bn-relu"),
    ),
    "nasbench201": EdgeCell(
        (
            ("nor_conv_3x3",),
            ("nor_conv_1x1", "avg_pool_3x3"),
            ("skip_connect", "none", "nor_conv_3x3"),
        )
    ),
    "multibranch": MultiBranchArchitecture(
        (
            Unit(((Convolution(12, 3, 2),),)),
            Unit(
                ((Convolution(12, 3, groups=3), Shuffle(3), Squeeze()), ()),
                activated=True,
                repeats=2,
            ),
            Unit(
                ((), (Normalization(), Convolution(4, 3, normalized=False))),
                "concatenate",
            ),
        )
    ),
    "choices": ChosenNetwork("own_networks:networks", (("filters", 8),)),
}


@pytest.fixture(autouse=True)
def own_networks(monkeypatch):
    """A module of one's own, where the example of choices stands."""

    def build(choices, input_shape, classes):
        return keras.Sequential(
            [
                keras.Input(input_shape),
                keras.layers.Conv2D(choices["filters"], 3),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(classes, "softmax"),
            ]
        )

    module = types.ModuleType("own_networks")
    module.networks = ChoiceNetworks({"filters": [8, 16]}, build)
    monkeypatch.setitem(sys.modules, "own_networks", module)


all_kinds = pytest.mark.parametrize("name", KINDS)


@all_kinds
@pytest.mark.parametrize("form", ["pickle", ["darts"], None])
def test_another_form_is_a_sentence(name, form):
    with pytest.raises(ValueError, match="`form`. Expected"):
        find_kind(name).in_form(EXAMPLES[name], form)


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"nasnet"}))
def test_the_activation_is_a_convention_of_cells_alone(name):
    kind = find_kind(name)
    arguments = {"input_shape": (32, 32, 3), "classes": 4, **kind.scale}
    with pytest.raises(ValueError, match="conventions"):
        kind.build(
            EXAMPLES[name], **arguments, conventions={"activation": "swish"}
        )


def test_every_kind_has_an_example():
    assert EXAMPLES.keys() == KINDS.keys()


@all_kinds
def test_a_file_names_its_kind(name, tmp_path):
    kind = find_kind(name)
    data = to_data(kind, EXAMPLES[name])
    assert (data["kind"], data["version"]) == (name, kind.version)
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(data))
    again, architecture = read_architecture(path)
    assert type(again) is type(kind)
    assert architecture == EXAMPLES[name]


@all_kinds
def test_networks_are_scaled_built_and_counted(name):
    kind = find_kind(name)
    arguments = {"input_shape": (32, 32, 3), "classes": 4, **kind.scale}
    model = kind.build(EXAMPLES[name], **arguments)
    cost = kind.complexity(EXAMPLES[name], **arguments)
    assert model.count_params() == cost.parameters
    assert cost.multiply_adds > 0
    unsupported = {name: "reason" for name in kind.unsupported}
    built = []
    for recipe in RECIPES.values():
        arguments |= recipe_arguments(adapted(recipe, unsupported), 10, kind)
        if arguments not in built:
            kind.build(EXAMPLES[name], **arguments)
            built.append(dict(arguments))
        for value in kind.unsupported:
            if recipe != adapted(recipe, {value: "reason"}):
                with pytest.raises(ValueError, match=f"`{value}`. Expected"):
                    recipe_arguments(recipe, 10, kind)
                break
    text = kind.text(EXAMPLES[name])
    assert 0 < len(text.splitlines()) < 50
    for figure in kind.pictures(EXAMPLES[name]).values():
        assert figure.axes


@all_kinds
@pytest.mark.large
def test_networks_are_deployed(name, as_if_trained, tmp_path):
    """Fused, and in another runtime, they compute the same; a latency is
    measured."""
    kind = find_kind(name)
    model = kind.build(EXAMPLES[name], (16, 16, 3), 4, **kind.scale)
    last = model.layers[-1]
    if isinstance(last, keras.layers.Activation):
        # A softmax of large logits hides what is wrong.
        model = keras.Model(model.input, last.input)
    as_if_trained(model)
    fused = fuse_for_inference(model)
    assert not any(
        isinstance(layer, keras.layers.BatchNormalization)
        for layer in fused._flatten_layers()
    )
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3))
    expected = np.asarray(model(images))
    largest = np.abs(expected).max()
    np.testing.assert_allclose(
        fused(images), expected, rtol=0, atol=1e-5 * largest
    )
    report = export(model, tmp_path / "network.onnx", "onnx")
    assert report.comparison.difference < 1e-4
    seconds = measure_latency(model, repeats=1, warmup=0, runtime="onnx")
    assert 0 < seconds < 60


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: {**data, "kind": "tree"}, "Expected one of .*'tree'"),
        (lambda data: {**data, "kind": ["nasnet"]}, "Expected one of"),
        (lambda data: {**data, "version": 7}, "Expected version 1"),
        (lambda data: {**data, "more": 7}, "Expected a JSON object with"),
        (lambda data: data["architecture"], "Expected a JSON object with"),
        (lambda data: [], "Expected a JSON object with"),
        (lambda data: {**data, "architecture": 3}, "Expected a genotype"),
    ],
)
def test_other_data_are_refused_with_a_sentence(change, sentence, tmp_path):
    data = change(to_data(find_kind("nasnet"), NASNET_A))
    with pytest.raises(ValueError, match=sentence):
        from_data(data)
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="holds no architecture"):
        read_architecture(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 100_000, b" " * (MAX_BYTES + 1)]
)
def test_other_files_are_refused_with_a_sentence(content, tmp_path):
    path = tmp_path / "architecture.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="holds no architecture") as error:
        read_architecture(path)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("nasnet", ("normal", "blocks")),
        ("layerwise", ("layers",)),
        ("mobile", ("blocks",)),
    ],
)
def test_too_many_parts_are_a_short_sentence(name, part, tmp_path):
    data = to_data(find_kind(name), EXAMPLES[name])
    holder = data["architecture"]
    for key in part[:-1]:
        holder = holder[key]
    holder[part[-1]] *= 800
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="Expected a list of 1 to") as error:
        read_architecture(path)
    assert len(str(error.value)) < 400


def test_a_network_that_nothing_holds_is_refused():
    check_size(Complexity(10**8))
    with pytest.raises(ValueError, match="at most .* parameters. Received: 2,"):
        check_size(Complexity(2 * 10**9))


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="Cannot read the architecture"):
        read_architecture(tmp_path / "none.json")
    with pytest.raises(InputError, match="Cannot read the architecture"):
        read_architecture(tmp_path)


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_what_is_no_file_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="Not a regular file"):
        read_architecture(tmp_path / name)
