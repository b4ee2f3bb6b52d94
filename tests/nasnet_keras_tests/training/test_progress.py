import io

import pytest
from rich.console import Console

from nasnet_keras.training.progress import Progress


@pytest.mark.parametrize(
    ("images", "name", "text"),
    [
        (12, "val_accuracy", "val accuracy 0.50 ± 0.14"),
        (
            12,
            "val_predictions_accuracy",
            "val predictions accuracy 0.50 ± 0.14",
        ),
        (0, "val_accuracy", "val accuracy 0.5000"),
        (12, "accuracy", "accuracy 0.5000"),
        (12, "val_loss", "val loss 0.5000"),
    ],
)
def test_an_accuracy_on_few_images_has_its_error(images, name, text):
    output = io.StringIO()
    progress = Progress(2, Console(file=output))
    progress.begin_at(1)
    progress.validation_images = images
    progress.on_epoch_begin(0)
    progress.on_epoch_end(0, {name: 0.5})
    assert output.getvalue() == f"epoch 2/2: {text}, 0 s\n"
