import keras
import numpy as np
import pytest

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
