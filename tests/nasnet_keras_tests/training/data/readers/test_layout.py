import pytest
from PIL import Image

from nasnet_keras.console.command_line import InputError
from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.readers.layout import check_outside


@pytest.mark.parametrize(
    ("folders", "output", "refused"),
    [
        (("cat", "dog"), "best", True),
        (("cat", "dog"), ".", True),
        (("cat", "train"), "best", True),
        (("train", "val"), ".", True),
        (("train", "val"), "train/best", True),
        # It would be taken for the part that is missing.
        (("train", "val"), "test runs", True),
        (("train", "val"), "models", False),
        (("Training", "Test", "models"), "models/best", False),
        (("cat", "dog"), "../best", False),
    ],
)
def test_an_output_that_would_be_read_as_images(
    folders, output, refused, tmp_path
):
    """What lies beside parts is left alone."""
    photos = tmp_path / "photos"
    for name in folders:
        (photos / name).mkdir(parents=True)
    if not refused:
        return check_outside(photos / output, str(photos))
    with pytest.raises(InputError, match="not in the folder of the images"):
        check_outside(photos / output, str(photos))


def test_a_cache_within_the_images_is_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "one.png")
    with pytest.raises(InputError, match="`cache`. Expected a folder that is"):
        load_dataset(tmp_path, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
