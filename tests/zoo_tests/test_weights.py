import dataclasses
import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import weights
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
