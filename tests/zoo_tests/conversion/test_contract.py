"""What every format of weights keeps to."""

import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from nasnet_keras.network.build import build_network
from nasnet_keras.published import NASNET_A
from zoo import weights


def write_keras(path, name):
    path = path.with_suffix(".weights.h5")
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(2, 3, name=name)(inputs)
    keras.Model(inputs, outputs).save_weights(path)
    return path


def write_timm(path):
    save_file({"conv_0.conv.weight": np.zeros(1)}, path)
    return path


def write_pytorch(path):
    save_file({"conv_stem.weight": np.zeros(1)}, path)
    return path


def write_slim(path):
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=["conv0/weights"],
        shape_and_slices=[""],
        tensors=[tf.zeros(1)],
    )
    return path


# A file of each, of one array alone; by the name of its module.
WRITERS = {
    "keras_applications": lambda path: write_keras(path, "stem_conv1"),
    "ours": lambda path: write_keras(path, "stem_convolution"),
    "timm": write_timm,
    "pytorch": write_pytorch,
    "slim": write_slim,
}
CONVERSIONS = {
    module.__name__.rpartition(".")[2]: module
    for module in weights._CONVERSIONS
}
all_conversions = pytest.mark.parametrize("name", CONVERSIONS)


def test_every_conversion_has_a_writer():
    assert WRITERS.keys() == CONVERSIONS.keys()


@all_conversions
def test_it_knows_its_own_files_and_no_others(name, tmp_path):
    wrote = CONVERSIONS[name].wrote
    for other, write in WRITERS.items():
        assert wrote(write(tmp_path / other)) == (other == name)
    (tmp_path / "empty").touch()
    (tmp_path / "pickle").write_bytes(pickle.dumps({"conv0.conv.weight": 0}))
    for path in ("empty", "pickle", "missing"):
        assert not wrote(tmp_path / path)
    assert not wrote(tmp_path)


@all_conversions
def test_its_files_are_loaded_by_it(name, monkeypatch, tmp_path):
    loaded = []
    monkeypatch.setattr(
        CONVERSIONS[name], "load", lambda model, path: loaded.append(path)
    )
    path = WRITERS[name](tmp_path / "file")
    model = build_network(NASNET_A, (32, 32, 3), repeats=1, filters=4)
    weights.check(path, "nasnet_large")
    weights.load(model, path, "nasnet_large")
    assert loaded == [path]


@all_conversions
def test_what_does_not_fit_is_a_sentence_and_nothing_is_set(name, tmp_path):
    model = build_network(NASNET_A, (32, 32, 3), repeats=1, filters=4)
    before = model.get_weights()
    path = WRITERS[name](tmp_path / "file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="Of 65 places 0 fit"):
            CONVERSIONS[name].load(model, path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
