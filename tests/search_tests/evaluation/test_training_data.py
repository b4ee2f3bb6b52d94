import keras
import numpy as np
import pytest

from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.splits import with_test
from search.evaluation.child_data import ChildData
from search.evaluation.training import TrainingEvaluator


def test_images_of_several_sizes_are_brought_to_the_size(
    tmp_path, child_settings
):
    for label, name in enumerate(("dark", "bright")):
        (tmp_path / name).mkdir()
        for number in range(12):
            image = np.full((10 + number % 3, 12, 3), 200 * label, "uint8")
            keras.utils.save_img(
                tmp_path / name / f"{number}.png", image, scale=False
            )
    with pytest.raises(ValueError, match="image_size"):
        TrainingEvaluator(child_settings(str(tmp_path), batch_size=8))
    evaluator = TrainingEvaluator(
        child_settings(str(tmp_path), batch_size=8, image_size=9)
    )
    assert evaluator.describe()["network"]["input_shape"] == [9, 9, 3]


def test_a_broken_file_is_refused_or_skipped_and_told(tmp_path, child_settings):
    for name in ("dark", "bright"):
        (tmp_path / name).mkdir()
        for number in range(12):
            image = np.full((9, 9, 3), number, "uint8")
            keras.utils.save_img(tmp_path / name / f"{number}.png", image)
    (tmp_path / "dark" / "broken.png").write_bytes(b"no image")
    settings = {"dataset": str(tmp_path), "batch_size": 8}
    with pytest.raises(ValueError, match="broken.png"):
        TrainingEvaluator(child_settings(**settings))
    evaluator = TrainingEvaluator(child_settings(**settings, skip_broken=True))
    assert "24" in evaluator.notes[0]
    assert any("broken.png" in note for note in evaluator.notes)


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (
            2,
            "1 images after 1 of 2 were held out to measure on, none of '[01]'",
        ),
        (4, "at least a batch of them, 8. Received: 2, after .* of 2 or less"),
        (12, None),
    ],
)
def test_few_images_are_enough_or_refused(count, sentence, child_settings):
    arrays = np.zeros((count, 8, 8), np.uint8), np.arange(count) % 2
    settings = child_settings(arrays, batch_size=8)
    if sentence is None:
        assert len(ChildData(settings).train_labels) == 10
        return
    with pytest.raises(ValueError, match=f"Too few images.*{sentence}"):
        ChildData(settings)


@pytest.mark.parametrize(
    ("augmentation", "words"),
    [(None, "cropped and not mirrored"), ("crop-flip", "are mirrored")],
)
def test_what_is_chosen_for_the_images_is_told(
    augmentation, words, child_settings
):
    evaluator = TrainingEvaluator(
        child_settings("digits", batch_size=8, augmentation=augmentation)
    )
    assert words in evaluator.notes[-1]


def test_arrays_are_read_as_files_of_them_are(tmp_path, child_settings):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 3, 8, 8))
    labels = np.arange(40) % 2
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    described = [
        TrainingEvaluator(child_settings(dataset, batch_size=8)).describe()
        for dataset in (str(tmp_path / "images.npz"), (images, labels))
    ]
    assert described[0] == described[1]


def test_images_that_a_retraining_is_tested_on_are_left_out(child_settings):
    """Where there are none to test on, it takes a tenth."""
    images = np.zeros((100, 8, 8, 3), "uint8")
    images += np.arange(100, dtype="uint8")[:, None, None, None]
    data = (images, np.arange(100) % 2)
    held_out = with_test(load_dataset(data)).test.images
    read = TrainingEvaluator(child_settings(data, batch_size=8)).data
    seen = np.concatenate([read.train_images, read.validation_images])
    assert len(seen) == 90
    assert not np.isin(held_out[:, 0, 0, 0], seen[:, 0, 0, 0]).any()
