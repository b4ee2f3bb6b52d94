"""The result of a run, written for use: `publish`."""

import dataclasses
from pathlib import Path
from typing import Any

from nasnet_auto.results.report import write_report
from nasnet_auto.stages import Context, ranked_rows
from nasnet_auto.trainings.candidates import Row, folder_of
from nasnet_keras.console.command_line import RunError, provenance
from nasnet_keras.deployment.classifier import as_classifier
from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.formats import find_format
from nasnet_keras.deployment.predict_script import NAME, write_predict_script
from nasnet_keras.files import sync, write_json
from nasnet_keras.network.build import load_model
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.run import load_settings


def publish(context: Context, best: Row) -> None:
    """Tests the best network and writes it for use, into the folder of the
    run:

    model.keras             the network, its classes and its scaling of pixels
    model.SUFFIX            the same in the format asked for
    predict.py              names what photographs show, by that file
    architecture.json       the architecture, for `nasnet-train`; of an ensemble
                            that of its best member
    leaderboard.json        what was tried, and the accuracy on test images
    report.html             the same to read

    Args:
        context: Of the run.
        best: The row that was chosen.

    Raises:
        RunError: The format cannot hold the network; all else is written.
    """
    folder, format = context.folder, context.request.format
    training = folder / folder_of(best.name)
    data = context.images.of(load_settings(training))
    test = evaluate_run(training, "test", data=data)
    candidate = context.book.candidate(best.name)
    write_json(
        folder / "architecture.json",
        candidate.settings["network"]["architecture"],
    )
    model = as_classifier(
        load_model(training / "model.keras"), context.survey.class_names
    )
    draft = folder / ".model.keras"
    model.save(draft)
    sync(draft)
    draft.rename(folder / "model.keras")
    # What cannot be exported is there all the same, for it took hours.
    failure = None
    try:
        if format is not None:
            _export(folder, model, format)
    except (RunError, ValueError) as error:
        failure = error
    write_json(
        folder / "leaderboard.json",
        {
            **provenance(),
            "chosen": best.name,
            "members": list(candidate.members),
            "test_accuracy": test.accuracy,
            "test_images": len(test.labels),
            "class_names": list(context.survey.class_names),
            "minutes": context.book.elapsed / 60,
            "rows": [
                dataclasses.asdict(row)
                for row in ranked_rows(context.book.rows)
            ],
        },
    )
    write_report(context, best, test)
    if failure is not None:
        raise RunError(
            f"{folder}/model.keras is written, and no {format} file. {failure}"
        ) from failure


def _export(folder: Path, model: Any, format: str) -> None:
    chosen = find_format(format)
    path = folder / f"model{chosen.suffix}"
    if not path.exists():
        for file in chosen.files(path):  # A kill may have left one of two.
            file.unlink(missing_ok=True)
        export(model, path, format)
    if not path.with_name(NAME).exists():  # it may have been changed
        write_predict_script(path, format)
