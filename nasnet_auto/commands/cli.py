"""The command `nasnet-auto`: run, predict.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 no network could be trained, 2 bad input, 130
interrupted.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_auto.request import AUGMENTATIONS, MOST_MEMBERS
from nasnet_keras.console.command_line import (
    LARGEST,
    computing,
    create_app,
    run_command,
    working,
)
from nasnet_keras.deployment.formats import FORMATS, find_format
from nasnet_keras.processor import usable_cores
from nasnet_keras.quotation import printable

app = create_app("From a folder of photographs to a deployed network.")


def main() -> int:
    """Runs the command line; returns the exit code."""
    return run_command(app, "nasnet-auto")


@app.command()
def run(
    data: Annotated[
        str,
        typer.Argument(
            help="A folder with a sub-folder of images for each class, in "
            "parts or not, a name such as digits or cifar10, or an .npz file."
        ),
    ],
    *,
    hours: Annotated[
        float,
        typer.Option(
            max=10**5,
            help="About how many hours the command takes, once it has looked "
            "at the images; at least 0.017, a minute.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(help="The folder of the run: new, or one to continue."),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="A runtime for which the network is also written: "
            f"{', '.join(FORMATS)}. Default: none."
        ),
    ] = None,
    max_latency: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            help="Seconds of one image, on this machine and in the runtime of "
            "--format. Slower networks are not chosen. Default: no limit.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="A network of the zoo to fine-tune. Default: the small one "
            "that comes with its weights, and for images of 64 pixels and "
            "more NASNet-A Mobile, if its weights can be downloaded."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="The weights of --preset: a name, such as imagenet, or a file."
        ),
    ] = None,
    ensemble: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=MOST_MEMBERS,
            help="How many of the best networks also form an ensemble, which "
            "averages their probabilities. Default: no ensemble.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Processes that train children of the search at the same "
            "time. Default: as many as cores.",
        ),
    ] = None,
    no_pretrained: Annotated[
        bool,
        typer.Option("--no-pretrained", help="Train from random weights only."),
    ] = False,
    augmentation: Annotated[
        str | None,
        typer.Option(
            help=f"How images to train on are augmented: "
            f"{', '.join(AUGMENTATIONS)}. Default: cropped and mirrored; of "
            "data sets of characters, which their names tell, cropped alone."
        ),
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave out broken image files."),
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of all draws.")
    ] = 0,
) -> None:
    """Finds and trains a classifier within a time. The same command resumes a
    run that was stopped."""
    if format is not None:
        with working():
            find_format(format).check()
    with computing("Interrupted. Continue with the same command.") as activity:
        from rich.console import Console

        from nasnet_auto.auto import run
        from nasnet_auto.display import create_display
        from nasnet_auto.results.leaderboard import leaderboard_table

        console = Console()
        result = run(
            data,
            hours,
            output,
            format=format,
            max_latency=max_latency,
            preset=preset,
            weights=weights,
            ensemble=ensemble,
            workers=usable_cores() if workers is None else workers,
            pretrained=not no_pretrained,
            augmentation=augmentation,
            skip_broken=skip_broken,
            seed=seed,
            display=create_display(console, activity),
        )
    console.print(leaderboard_table(result))
    print(
        f"Chosen: {result.chosen}, {result.test_accuracy:.1%} ± "
        f"{result.test_error:.1%} of {result.test_images:,} test images."
    )
    files = ", ".join(file.name for file in result.files)
    print(f"Wrote to {printable(str(output))}: {files}.")


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    images: Annotated[list[Path], typer.Argument(help="Photographs.")],
    *,
    top: Annotated[
        int, typer.Option(min=1, max=LARGEST, help="How many classes to name.")
    ] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, a list of the images.")
    ] = False,
) -> None:
    """Names what photographs show."""
    from nasnet_auto.results.result import load

    result = load(run)
    with computing(stderr=True):
        guesses = result.predict(images, top)
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "image": str(path),
                "classes": [guess._asdict() for guess in found],
            }
            for path, found in zip(images, guesses, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return
    for path, found in zip(images, guesses, strict=True):
        shown = [
            f"{printable(guess.name)} {guess.probability:.2%}"
            for guess in found
        ]
        print(printable(str(path)), *shown, sep="\t")
