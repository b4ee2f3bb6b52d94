import numpy as np
import pytest

from nasnet_keras.deployment.export import in_batches, written
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.training.data.sampling import stratified
from search.evaluation.base import Child
from search.evaluation.int8 import Int8Evaluator
from search.spaces.nasnet import NASNetSpace

pytest.importorskip("ai_edge_litert")

SPACE = NASNetSpace(1)
GENOTYPE = SPACE.decode((0, 1, 8, 0, 0) * 2)
SETTINGS = {
    "filters": 2,
    "epochs": 1,
    "train_images": 64,
    "validation_images": 30,
    "batch_size": 32,
}


def test_the_reward_is_what_the_quantised_network_comes_to(
    child_settings, tmp_path
):
    """As of a network that the weights of the child make again; one of
    constant zeros, whatever the calibration, is a tenth right."""
    evaluator = Int8Evaluator(
        child_settings("digits", SPACE, 1, **SETTINGS), calibration_images=40
    )
    child = Child(0, GENOTYPE, folder=tmp_path)
    evaluation = evaluator.evaluate(child)
    metrics = evaluation.metrics
    assert evaluation.reward == metrics["int8_accuracy"]
    assert {"accuracy", "loss", "parameters"} <= metrics.keys()
    model = evaluator.build(GENOTYPE)
    model.load_weights(child.weights)
    chosen = stratified(evaluator.data.train_labels, 40, seed=0)
    calibration = evaluator.data.train_images[chosen] / np.float32(127.5) - 1
    images, labels = next(iter(evaluator.data.validation))
    with written(model, "litert", 32, calibration=calibration) as (path, _):
        content = path.read_bytes()
        outputs = in_batches(FORMATS["litert"].load(path), images.numpy(), 32)
    with written(model, "litert", 32) as (path, _):
        assert len(path.read_bytes()) != len(content)
    accuracy = np.mean(outputs[0].argmax(1) == labels.numpy())
    assert evaluation.reward == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"runtime": "onnx"}, "is not written in int8"),
        ({"runtime": "coreml"}, "Expected one of openvino"),
        ({"calibration_images": 0}, "`calibration_images`. Expected"),
    ],
)
def test_options_out_of_range_are_refused(child_settings, option, message):
    with pytest.raises(ValueError, match=message):
        Int8Evaluator(child_settings("digits", SPACE, **SETTINGS), **option)
