import numpy as np
import pytest
import tensorflow as tf

from search.weight_sharing.measurement import measure
from search.weight_sharing.subnetwork import Subnetwork


@pytest.fixture(scope="module")
def network(create_network):
    return create_network()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch_size", [5, 7])
@pytest.mark.one_in(3)  # both threads, both sizes
def test_all_images_count_alike(threads, batch_size, network):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(7, 8, 8, 3)).astype("float32")
    labels = rng.integers(4, size=7)
    space = network.space
    child = Subnetwork(network, space.decode(space.sample(rng)))
    child.calibrate([images])
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    accuracy, loss = measure(child, data.batch(batch_size), threads)
    logits = np.asarray(child(images), "float64")
    assert accuracy == np.mean(logits.argmax(1) == labels)
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    assert loss == pytest.approx(-logits[range(7), labels].mean(), rel=1e-5)
