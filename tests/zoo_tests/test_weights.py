import dataclasses
import hashlib
import pickle
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

import zoo
from nasnet_keras.network import build_network
from nasnet_keras.published import NASNET_A
from zoo import weights
from zoo.conversion import keras_applications, slim, timm
from zoo.presets import PRESETS


@pytest.fixture
def small(monkeypatch):
    """Mobile with one cell in a stage and few filters."""
    preset = dataclasses.replace(
        PRESETS["nasnet_mobile"], repeats=1, filters=4, image_size=32
    )
    monkeypatch.setitem(PRESETS, "nasnet_mobile", preset)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty KERAS_HOME, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(
        keras.src.backend.config, "keras_home", lambda: str(tmp_path)
    )

    def refuse(*arguments, **keywords):
        raise Exception("URL fetch failure: no network.")

    monkeypatch.setattr(
        keras.src.utils.file_utils, "urlretrieve", refuse, raising=True
    )
    return tmp_path


def model(**arguments):
    return zoo.NASNetMobile(**{"weights": None, **arguments})


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_our_own_files(small, suffix, tmp_path):
    keras.utils.set_random_seed(0)
    stored = model()
    path = tmp_path / f"ours{suffix}"
    stored.save_weights(path) if "weights" in suffix else stored.save(path)
    loaded = model(weights=path, input_shape=(None, None, 3))
    for one, other in zip(
        stored.get_weights(), loaded.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_our_own_files_of_other_classes_keep_the_body(suffix, tmp_path):
    def build(classes, **arguments):
        return build_network(
            NASNET_A, classes=classes, repeats=1, filters=4, **arguments
        )

    stored, target = build(3), build(5)
    path = tmp_path / f"ours{suffix}"
    stored.save_weights(path) if "weights" in suffix else stored.save(path)
    before = target.get_layer("logits").get_weights()
    with pytest.warns(UserWarning, match="classifier starts anew"):
        weights.load(target, path, "small")
    *body, kernel, bias = target.get_weights()
    np.testing.assert_array_equal(kernel, before[0])
    np.testing.assert_array_equal(bias, before[1])
    for one, other in zip(body, stored.get_weights(), strict=False):
        np.testing.assert_array_equal(one, other)
    larger = build_network(NASNET_A, repeats=2, filters=4)
    with pytest.raises(ValueError, match="are not those of nasnet"):
        weights.load(larger, path, "larger")


def write_theirs(path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(2, 3, name="stem_conv1")(inputs)
    path = path.with_suffix(".weights.h5")
    keras.Model(inputs, outputs).save_weights(path)
    return path


def write_timm(path):
    save_file({"conv_0.conv.weight": np.zeros(1)}, path)
    return path


def write_slim(path):
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=["conv0/weights"],
        shape_and_slices=[""],
        tensors=[tf.zeros(1)],
    )
    return path


@pytest.mark.parametrize(
    ("write", "conversion"),
    [
        (write_theirs, keras_applications),
        (write_timm, timm),
        (write_slim, slim),
    ],
)
def test_files_are_known_by_what_is_in_them(
    write, conversion, monkeypatch, tmp_path
):
    loaded = []
    monkeypatch.setattr(
        conversion, "load", lambda model, path: loaded.append(path)
    )
    path = write(tmp_path / "file")
    weights.check(path, "nasnet_large", "softmax")
    weights.load(None, path, "nasnet_large")
    assert loaded == [path]


def write_pickle(path):
    path.write_bytes(pickle.dumps({"conv0.conv.weight": 0}))


def write_pickle_of_torch(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))


@pytest.mark.parametrize("write", [write_pickle, write_pickle_of_torch])
def test_pickles_are_refused(write, tmp_path):
    path = tmp_path / "model.pth"
    write(path)
    with pytest.raises(ValueError, match="Pickles .* are not read"):
        weights.load(None, path, "nasnet_large")


@pytest.mark.parametrize("path", ["missing.ckpt", 7])
def test_what_is_no_file_is_refused(path):
    with pytest.raises(ValueError, match="the path of a file"):
        weights.check(path, "nasnet_large", "softmax")


def test_what_is_fetched_is_verified_and_kept(offline, monkeypatch):
    content = b"weights"
    file = ("theirs.h5", hashlib.md5(content).hexdigest())
    monkeypatch.setitem(weights._FILES, ("nasnet_mobile", True), file)
    fetched = []

    def retrieve(address, path, *arguments):
        fetched.append(address)
        with open(path, "wb") as target:
            target.write(content)

    monkeypatch.setattr(keras.src.utils.file_utils, "urlretrieve", retrieve)
    for _ in range(2):
        path = weights.fetch("nasnet_mobile")
    assert path == offline / "models" / "nasnet_mobile.h5"
    assert path.read_bytes() == content
    assert len(fetched) == 1
    assert fetched[0].endswith("/nasnet/theirs.h5")


@pytest.mark.parametrize(
    ("preset", "include_top", "name", "address", "md5"),
    [
        ("nasnet_mobile", True, "nasnet_mobile.h5", "NASNet-mobile.h5", "020f"),
        (
            "nasnet_large",
            False,
            "nasnet_large_no_top.h5",
            "NASNet-large-no-top.h5",
            "d81d",
        ),
    ],
)
def test_offline_says_which_file_to_put_where(
    offline, preset, include_top, name, address, md5
):
    with pytest.raises(RuntimeError) as error:
        weights.fetch(preset, include_top)
    message = str(error.value)
    assert str(offline / "models" / name) in message
    assert f"keras-applications/nasnet/{address}" in message
    assert f"MD5 {md5}" in message


def test_addresses_and_hashes_are_those_of_keras_applications():
    """They are in its source; if a release moves them, ours must follow."""
    source = keras.src.applications.nasnet
    text = Path(source.__file__).read_text()
    assert weights._BASE == source.BASE_WEIGHTS_PATH
    for file_name, md5 in weights._FILES.values():
        assert file_name in text
        assert f'"{md5}"' in text


@pytest.mark.parametrize(
    ("arguments", "include_top"),
    [
        ({}, True),
        ({"include_top": False}, False),
        ({"features": True}, False),
        ({"classes": 5}, False),
    ],
)
def test_the_file_with_a_top_is_fetched_if_there_is_one(
    small, monkeypatch, arguments, include_top
):
    asked = []

    class Asked(Exception):
        pass

    def fetch(preset, include_top):
        asked.append((preset, include_top))
        raise Asked

    monkeypatch.setattr(weights, "fetch", fetch)
    with pytest.raises(Asked):
        zoo.NASNetMobile(**arguments)
    assert asked == [("nasnet_mobile", include_top)]
