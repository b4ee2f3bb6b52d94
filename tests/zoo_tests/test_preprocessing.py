import keras
import numpy as np

import zoo


def test_pixels_come_to_minus_one_to_one():
    pixels = np.array([[[[0.0, 127.5, 255.0]]]])
    np.testing.assert_allclose(
        zoo.preprocess_input(pixels), [[[[-1.0, 0.0, 1.0]]]]
    )


def test_predictions_are_named_as_those_of_keras(monkeypatch):
    """The names are downloaded once; here they are written by hand."""
    index = {str(n): [f"n{n:08d}", f"class_{n}"] for n in range(1000)}
    monkeypatch.setattr(
        keras.src.applications.imagenet_utils, "CLASS_INDEX", index
    )
    predictions = np.zeros((1, 1000))
    predictions[0, [7, 3]] = 0.75, 0.25
    assert zoo.decode_predictions(predictions, top=2) == [
        [("n00000007", "class_7", 0.75), ("n00000003", "class_3", 0.25)]
    ]
