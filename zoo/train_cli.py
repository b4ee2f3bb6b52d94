"""The command `nasnet-train`: run, evaluate.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 the training failed, 2 bad input, 130 interrupted.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from nasnet_keras.architectures import (
    find_kind,
    read_architecture,
    to_data,
)
from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.console.command_line import (
    LARGEST,
    InputError,
    RunError,
    computing,
    create_app,
    run_command,
    working,
)
from nasnet_keras.files import BEGINNING, check_free
from nasnet_keras.quotation import printable, system_reason
from nasnet_keras.training.recipe_options import (
    RecipeOption,
    chosen_recipe,
    recipe_of_network,
    with_recipe,
)
from zoo.preset import find
from zoo.presets import PRESETS

app = create_app(
    "Trains networks of the zoo, or of cells that a search has found."
)


def main() -> int:
    """Runs the command line; returns the exit code."""
    return run_command(app, "nasnet-train")


@app.command()
@with_recipe
def run(
    *,
    dataset: Annotated[
        str,
        typer.Option(
            help="Images to train on: a name such as digits or cifar10, a "
            "folder with a sub-folder a class, in parts or not, or an .npz "
            "file. A network of --architecture takes their channels."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            help="The folder of the training: new, or one to continue."
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="A network of `zoo.list_models()`.")
    ] = None,
    architecture: Annotated[
        Path | None,
        typer.Option(
            help="A file of an architecture, as a search exports, or of a "
            "genotype of DARTS, NNI or NAS-Bench-201."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="First weights: imagenet, cifar10 or a file. Default: random."
        ),
    ] = None,
    recipe: RecipeOption = "cifar",
    repeats: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**4,
            help="N, the normal cells of each stage. Default: the model's; 6 "
            "for cells of --architecture.",
        ),
    ] = None,
    filters: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**4,
            help="F, the filters of the first cell. Default: the model's; 32 "
            "for cells of --architecture.",
        ),
    ] = None,
    stem: Annotated[
        Literal["cifar", "imagenet"] | None,
        typer.Option(
            help="With --architecture: the first layers, for small images "
            "(cifar) or large ones. Default: cifar for cells."
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=10**4,
            help="Height and width to train at. Default: the model's; with "
            "--architecture 32, or 224 with the ImageNet stem.",
        ),
    ] = None,
    train_images: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Images to train on. Default: all."
        ),
    ] = None,
    validation_images: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Images to measure on after each epoch. If the data set has "
            "validation images, how many of these (default: all). Otherwise "
            "how many training images are held out (default: none).",
        ),
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave out broken image files."),
    ] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            help="Decode images when they are needed, instead of holding them "
            "in memory. Default: only if they would take more than a quarter "
            "of the available memory."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="A folder on a disk for the decoded images. Default: no cache."
        ),
    ] = None,
    class_weights: Annotated[
        Literal["balanced"] | None,
        typer.Option(
            help="balanced: all classes count alike, however many images they "
            "have. Default: all images count alike."
        ),
    ] = None,
    keep_best: Annotated[
        bool,
        typer.Option(
            "--keep-best",
            help="End with the weights of the epoch with the highest "
            "validation accuracy. Default: those of the last epoch.",
        ),
    ] = False,
    early_stopping: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="End after so many epochs without a higher validation "
            "accuracy. Default: never.",
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "mixed_bfloat16", "mixed_float16"],
        typer.Option(help="The precision of the computation."),
    ] = "float32",
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of the training.")
    ] = 0,
    replicas: Annotated[
        int,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Devices that train together, each on a part of every batch.",
        ),
    ] = 1,
    **values: Any,
) -> None:
    """Trains a network. The same command resumes a training that was
    stopped."""
    if not (output / "config.json").exists():
        check_free(output, BEGINNING)
    with working():
        network = network_of(
            model, architecture, repeats, filters, stem, image_size
        )
        kind = find_kind(network["architecture"]["kind"])
        chosen = chosen_recipe(recipe, values, kind.unsupported)
    with computing("Interrupted. Continue with the same command.") as activity:
        from nasnet_keras.training.data.datasets import resolve_source
        from nasnet_keras.training.data.holding import Holding
        from nasnet_keras.training.progress import Progress
        from nasnet_keras.training.replicas import prepare_replicas
        from nasnet_keras.training.run import (
            best_epoch,
            read_history,
            run_training,
        )
        from nasnet_keras.training.settings import TrainingSettings
        from zoo.weights import resolve

        chosen = recipe_of_network(recipe, values, network)
        prepare_replicas(replicas, chosen.batch_size)
        settings = TrainingSettings(
            dataset=resolve_source(dataset),
            network=network,
            recipe=chosen,
            train_images=train_images,
            validation_images=validation_images,
            skip_broken=skip_broken,
            class_weights=class_weights,
            keep_best=keep_best,
            early_stopping=early_stopping,
            weights=resolve(weights),
            dtype=dtype,
            seed=seed,
            replicas=replicas,
        )
        progress = Progress(chosen.epochs, activity=activity)
        try:
            run_training(
                output,
                settings,
                _initialiser(weights, model),
                progress=progress,
                holding=Holding(stream, cache),
            )
        except OSError as error:
            if not (output / "config.json").exists():
                raise
            raise RunError(
                f"The training {output} stopped: {system_reason(error)}. "
                "When the cause is gone, continue with the same command."
            ) from error
    kept = ""
    if keep_best:
        number, accuracy = best_epoch(read_history(output))
        measured = accuracy_text(accuracy, progress.validation_images)
        kept = f", of epoch {number}: validation accuracy {measured}"
    print(f"Wrote {printable(str(output))}/model.keras{kept}.")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of the training.")],
    split: Annotated[
        Literal["test", "validation", "train"],
        typer.Option(help="The images to evaluate on."),
    ] = "test",
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Images in a batch. Default: 250, of large images fewer.",
        ),
    ] = None,
) -> None:
    """Measures a trained network: accuracy in all and of each class, confusion
    matrix and worst mistakes."""
    if not (run / "config.json").is_file():
        raise InputError(
            f"Expected the folder of a training. Received: {run}, which has no "
            "config.json."
        )
    with computing():
        from nasnet_keras.training.evaluation.evaluate_run import evaluate_run

        evaluation = evaluate_run(run, split, batch_size)
    from rich.console import Console

    from nasnet_keras.training.evaluation.table import evaluation_table

    Console().print(evaluation_table(evaluation))
    where = printable(str(run / "evaluation"))
    print(f"Wrote {split}.json and pictures to {where}.")


def _initialiser(weights: str | None, preset: str | None) -> Any:
    """What gives a network its first weights, if they are not random."""
    if weights is None:
        return None
    from zoo import weights as pretrained

    name = preset or "the architecture of a file"
    pretrained.check(weights, name)

    def initialise(model: Any) -> None:
        try:
            pretrained.load(model, weights, name)
        except RuntimeError as error:  # They cannot be fetched.
            raise InputError(str(error)) from None

    return initialise


def network_of(
    model: str | None,
    architecture: Path | None,
    repeats: int | None,
    filters: int | None,
    stem: str | None,
    image_size: int | None,
) -> dict[str, Any]:
    """The network of a training, as data."""
    if (model is None) == (architecture is None):
        raise InputError(
            "Expected either --model or --architecture. Received: "
            f"{'neither' if model is None else 'both'}."
        )
    given: dict[str, Any] = {
        name: value
        for name, value in (
            ("repeats", repeats),
            ("filters", filters),
            ("stem", stem),
        )
        if value is not None
    }
    if architecture is not None:
        kind, found = read_architecture(architecture)
        size = image_size or (224 if stem == "imagenet" else 32)
        arguments: dict[str, Any] = {
            "architecture": to_data(kind, found),
            "input_shape": [size, size, None],
        }
        return {**arguments, **given}
    if stem is not None:
        raise InputError(
            "Expected --stem with --architecture only; a model has its own. "
            f"Received: --model {model} and --stem {stem}."
        )
    preset = find(PRESETS, model, "model", "`zoo.list_models()`")
    return {**preset.network(image_size), **given}
