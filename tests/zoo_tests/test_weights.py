import dataclasses
import hashlib
import pickle
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from nasnet_keras.architectures import find_kind
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.kinds.mobile import MNASNET_A1, MNASNET_SMALL
from nasnet_keras.network.build import build_network
from nasnet_keras.published import DARTS_V2, ENAS_MICRO, NASNET_C
from zoo import weights
from zoo.conversion import hdf5
from zoo.presets import PRESETS


@pytest.fixture
def small(monkeypatch):
    """Mobile with one cell in a stage and few filters."""
    preset = dataclasses.replace(
        PRESETS["nasnet_mobile"],
        image_size=32,
        arguments={
            **PRESETS["nasnet_mobile"].arguments,
            "repeats": 1,
            "filters": 4,
        },
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
@pytest.mark.one_in(2)
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


# Few layers, of all that a network has.
CELLS = Genotype(
    normal=CellSpec((Block((0, 1), ("sep_conv_3x3", "conv_3x3")),)),
    reduction=CellSpec((Block((1, 0), ("sep_conv_5x5", "max_pool_3x3")),)),
)


def tiny(**arguments):
    return build_network(CELLS, repeats=1, **{"filters": 4, **arguments})


def saved(model, path):
    """A file of it, batch norms unlike those of any new one."""
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            weight
            if weight.dtype == "int64"
            else rng.uniform(0.5, 1.5, weight.shape).astype(weight.dtype)
            for weight in model.get_weights()
        ]
    )
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)
    return path


def equal_where_both_have(one, other):
    """The paths of the weights that both have, and that are the same."""
    values = {weight.path: np.asarray(weight) for weight in one.weights}
    return {
        weight.path
        for weight in other.weights
        if np.array_equal(values.get(weight.path), np.asarray(weight))
    }


def body(model):
    heads = ("logits", "auxiliary_head")
    return {
        weight.path
        for weight in model.weights
        if not weight.path.startswith(heads) and "drop_path" not in weight.path
    }


@pytest.mark.parametrize(
    "suffix",
    [
        ".weights.h5",
        pytest.param(".keras", marks=pytest.mark.large),
        pytest.param(".h5", marks=pytest.mark.large),
    ],
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_our_own_files_of_other_classes_keep_the_body(suffix, tmp_path):
    stored, target = tiny(classes=3), tiny(classes=5)
    path = saved(stored, tmp_path / f"ours{suffix}")
    with pytest.warns(UserWarning, match="classifier starts anew") as said:
        weights.load(target, path, "small")
    assert len(said) == 1
    assert equal_where_both_have(stored, target) == body(target)


@pytest.mark.parametrize(
    "trained", [True, pytest.param(False, marks=pytest.mark.large)]
)
@pytest.mark.parametrize("target", [{}, {"drop_path_rate": 0.3}])
def test_drop_path_makes_no_difference(trained, target, tmp_path):
    rate = 0.2 if trained else 0.0
    stored = tiny(drop_path_rate=rate)
    path = saved(stored, tmp_path / "ours.weights.h5")
    target = tiny(**target)
    weights.load(target, path, "small")
    assert body(target) < equal_where_both_have(stored, target)


@pytest.mark.large
def test_of_a_compiled_model_the_optimizer_is_left(tmp_path):
    stored, target = tiny(), tiny()
    stored.compile("adam", "sparse_categorical_crossentropy")
    stored.optimizer.build(stored.trainable_variables)
    path = saved(stored, tmp_path / "ours.keras")
    weights.load(target, path, "small")
    for one, other in zip(
        stored.get_weights(), target.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.large
def test_a_file_loads_under_layers_of_ones_own(tmp_path):
    path = saved(tiny(), tmp_path / "ours.weights.h5")
    inputs = keras.Input((32, 32, 1))
    colour = keras.layers.Conv2D(3, 1, name="colour")(inputs)
    target = tiny(input_tensor=colour)
    weights.load(target, path, "small")
    again = saved(target, tmp_path / "under.weights.h5")
    with pytest.warns(UserWarning, match="layers around .*: colour/0, colour"):
        weights.load(tiny(), again, "small")


@pytest.mark.parametrize(
    "channels",
    [
        (1, 3),
        *(pytest.param(c, marks=pytest.mark.large) for c in ((3, 2), (3, 5))),
    ],
)
def test_the_first_kernel_is_made_one_of_other_channels(channels, tmp_path):
    stored, target = (tiny(input_shape=(32, 32, each)) for each in channels)
    path = saved(stored, tmp_path / "ours.weights.h5")
    with pytest.warns(UserWarning, match="stem_convolution/0 is of"):
        weights.load(target, path, "small")
    grey = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1))
    one, other = (
        model(np.repeat(grey, each, axis=-1))
        for model, each in zip((stored, target), channels, strict=True)
    )
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_a_file_of_a_model_around_the_network(suffix, tmp_path):
    stored, target = tiny(include_top=False, pooling="avg"), tiny()
    around = keras.Sequential(
        [keras.Input((32, 32, 3)), stored, keras.layers.Dense(2, name="mine")]
    )
    path = saved(around, tmp_path / f"around{suffix}")
    with pytest.warns(UserWarning, match="layers around .*: mine/0, mine/1"):
        weights.load(target, path, "small")
    assert equal_where_both_have(stored, target) == body(target)


def test_a_file_of_two_networks_is_refused(tmp_path):
    inputs = keras.Input((32, 32, 3))
    two = [tiny(include_top=False, name=name)(inputs) for name in ("a", "b")]
    path = tmp_path / "two.weights.h5"
    keras.Model(inputs, two).save_weights(path)
    with pytest.raises(ValueError, match="one with 2, in 'a', 'b'"):
        weights.load(tiny(), path, "small")


class Subclassed(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.network = network
        self.head = keras.layers.Dense(2, name="mine")

    def call(self, images):
        return self.head(self.network(images))


def test_a_file_of_a_subclass_with_a_network(tmp_path):
    stored, target = tiny(include_top=False, pooling="avg"), tiny()
    around = Subclassed(stored)
    around(np.zeros((1, 32, 32, 3)))
    path = saved(around, tmp_path / "around.weights.h5")
    with pytest.warns(UserWarning, match="layers around .*: mine/0, mine/1"):
        weights.load(target, path, "small")
    assert equal_where_both_have(stored, target) == body(target)


@pytest.mark.parametrize(
    ("stored", "target", "notice"),
    [
        (
            {"auxiliary_head": True},
            {},
            "no such classifier: auxiliary_head/.* and [0-9]+ more",
        ),
        ({}, {"auxiliary_head": True}, "The auxiliary head starts anew"),
        ({}, {"include_top": False}, "no such classifier: logits/0, logits/1"),
        ({"include_top": False}, {}, "The classifier starts anew"),
    ],
)
def test_heads_that_one_has_and_the_other_not_are_named(
    stored, target, notice, tmp_path
):
    # Large enough for the auxiliary head.
    stored = tiny(input_shape=(40, 40, 3), **stored)
    target = tiny(input_shape=(40, 40, 3), **target)
    path = saved(stored, tmp_path / "ours.weights.h5")
    with pytest.warns(UserWarning, match=notice) as said:
        weights.load(target, path, "small")
    assert str(said[0].message).count("starts anew") <= 1
    assert equal_where_both_have(stored, target) >= body(target)


@pytest.mark.large
def test_an_auxiliary_head_is_loaded(tmp_path):
    shape = {"input_shape": (40, 40, 3), "auxiliary_head": True}
    stored, target = tiny(**shape), tiny(**shape)
    weights.load(target, saved(stored, tmp_path / "ours.weights.h5"), "small")
    assert len(equal_where_both_have(stored, target)) == len(target.weights)


@pytest.mark.parametrize(
    "genotype",
    [NASNET_C, pytest.param(ENAS_MICRO, marks=pytest.mark.large)],
)
def test_all_parts_of_cells_are_loaded(genotype, tmp_path):
    frame = "enas" if genotype is ENAS_MICRO else "nasnet"
    stored, target = (
        build_network(genotype, repeats=1, filters=4, frame=frame)
        for _ in range(2)
    )
    weights.load(target, saved(stored, tmp_path / "ours.weights.h5"), "small")
    assert len(equal_where_both_have(stored, target)) == len(target.weights)


@pytest.mark.parametrize(
    "suffix", [".weights.h5", pytest.param(".keras", marks=pytest.mark.large)]
)
def test_a_mobile_network_is_loaded(suffix, tmp_path):
    """Also with other classes, channels and drop path."""
    small = MNASNET_SMALL.scaled(0.2)
    build = find_kind("mobile").build
    stored = build(small, (32, 32, 3), 5, drop_path_rate=0.2)
    path = saved(stored, tmp_path / f"ours{suffix}")
    same = build(small, (None, None, 3), 5)
    weights.load(same, path, "small")
    assert len(equal_where_both_have(stored, same)) == len(same.weights)
    other = build(small, (32, 32, 1), 7)
    with pytest.warns(UserWarning, match="The classifier starts anew"):
        weights.load(other, path, "small")
    with pytest.raises(ValueError, match="block_.* in the file"):
        weights.load(build(MNASNET_A1, (32, 32, 3), 5), path, "small")


def test_a_file_with_more_cells_is_refused(tmp_path):
    stored, target = (
        build_network(DARTS_V2, repeats=repeats, filters=4, frame="darts")
        for repeats in (4, 3)
    )
    before = target.get_weights()
    path = saved(stored, tmp_path / "ours.weights.h5")
    with pytest.raises(ValueError, match="cell_.*only in the file"):
        weights.load(target, path, "small")
    for one, other in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_with_other_filters_is_refused_in_few_words(tmp_path):
    path = saved(tiny(), tmp_path / "ours.weights.h5")
    with pytest.raises(ValueError, match="Of .* places .* fit") as error:
        weights.load(tiny(filters=8), path, "small")
    message = str(error.value)
    assert f"The weights of {path} are not those of nasnet" in message
    assert len(message) < 2000


def cut(path):
    """The first half of a file of ours."""
    path = path.with_suffix(".weights.h5")
    saved(tiny(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def damage_header(path):
    path = path.with_suffix(".weights.h5")
    saved(tiny(), path)
    content = bytearray(path.read_bytes())
    content[200:1200] = np.random.default_rng(0).bytes(1000)
    path.write_bytes(content)
    return path


def damage_archive(path):
    path = saved(tiny(), path.with_suffix(".keras"))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 9] = b"otherwise"
    path.write_bytes(content)
    return path


def fill_archive_with_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", "text")
    return path


def write_index(content):
    def write(path):
        path.with_suffix(".ckpt.index").write_bytes(content)
        return path.with_suffix(".ckpt")

    return write


def lose_data(path):
    names, values = ["conv0/weights"], [tf.zeros(1)]
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=names,
        shape_and_slices=[""],
        tensors=values,
    )
    Path(f"{path}.data-00000-of-00001").unlink()
    return path


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        damage_header,
        damage_archive,
        fill_archive_with_text,
        pytest.param(write_index(b""), id="empty"),
        pytest.param(write_index(bytes(range(256)) * 2), id="noise"),
        lose_data,
    ],
)
def test_damaged_files_are_called_so(damage, tmp_path):
    path = damage(tmp_path / "file")
    with pytest.raises(ValueError, match="Expected a whole file") as error:
        weights.load(tiny(), path, "small")
    assert f"weights={str(path)!r}, which cannot be read: " in str(error.value)
    assert str(error.value).endswith(". Download or save it again.")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_has_is_a_sentence(path):
    with pytest.raises(ValueError, match="Invalid value for argument `weig"):
        weights.check(path, "small")


def unfold_array(path):
    """A few hundred bytes that say they are 4 TB."""
    path = saved(tiny(), path.with_suffix(".weights.h5"))
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "layers/large/vars/0", (2**40,), "float32", chunks=(2**20,)
        )
    return path


def unfold_archive(path):
    path = path.with_suffix(".keras")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(2**26 + 1))
    return path


@pytest.mark.parametrize("unfold", [unfold_array, unfold_archive])
def test_small_files_that_unfold_to_much_are_not_read(unfold, tmp_path):
    path = unfold(tmp_path / "file")
    with pytest.raises(ValueError, match="which unfolds to .* GB"):
        weights.load(tiny(), path, "small")


@pytest.mark.parametrize("name", ["layers", "model_weights", "layers/x"])
def test_other_hdf5_files_are_refused(name, tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file[name] = np.zeros(3)
    with pytest.raises(ValueError, match="Expected a file that"):
        weights.load(None, path, "small")


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    """A compiled model, a path that `save_small` has written it to, and the
    size of what Keras writes of it without the optimizer."""
    folder = tmp_path_factory.mktemp("small")
    model = tiny(drop_path_rate=0.2)
    whole = saved(model, folder / "whole.weights.h5").stat().st_size
    norm = model.get_layer("stem_batch_norm")
    norm.moving_variance.assign(keras.ops.full_like(norm.beta, 1e6))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    path = folder / "small.weights.h5"
    weights.save_small(model, path)
    return model, path, whole


def test_small_files_are_small(small_file):
    _, path, whole = small_file
    assert path.stat().st_size < whole / 2


def test_small_files_hold_the_model(small_file):
    """In half precision; what is too large for it, exactly."""
    model, path, _ = small_file
    target = tiny()
    weights.load(target, path, "small")
    values = {weight.path: np.asarray(weight) for weight in model.weights}
    for weight in target.weights:
        np.testing.assert_allclose(weight, values[weight.path], rtol=1e-3)


def test_keras_loads_small_files(small_file):
    model, path, _ = small_file
    target = tiny(drop_path_rate=0.2)
    target.load_weights(path)
    for one, other in zip(
        model.get_weights(), target.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_small_files_hold_bfloat16_as_it_is(tmp_path):
    inputs = keras.Input((3,))
    stem = keras.layers.Dense(2, dtype="bfloat16", name="stem_convolution")
    path = tmp_path / "small.weights.h5"
    weights.save_small(keras.Model(inputs, stem(inputs)), path)
    stored = hdf5.read(path)["stem_convolution/0"]
    assert stored.dtype == "bfloat16"
    np.testing.assert_array_equal(
        stored.astype("float32"), keras.ops.cast(stem.kernel, "float32")
    )


def test_a_small_file_that_fails_leaves_the_one_before(
    small_file, tmp_path, monkeypatch
):
    path = tmp_path / "small.weights.h5"
    path.write_bytes(b"before")

    def fail(array):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.weights._half", fail)
    with pytest.raises(KeyboardInterrupt):
        weights.save_small(small_file[0], path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path", ["small.h5", "small.keras", 7])
def test_small_files_have_their_ending(path):
    with pytest.raises(ValueError, match="`path`. Expected .* Received: path="):
        weights.save_small(None, path)


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


@pytest.mark.parametrize("path", ["missing.ckpt", 7, np.zeros(3)])
def test_what_is_no_file_is_refused(path):
    with pytest.raises(ValueError, match="the path of a file"):
        weights.check(path, "nasnet_large")


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


def test_another_file_put_there_is_named_and_kept(offline):
    path = offline / "models" / "nasnet_mobile.h5"
    path.parent.mkdir()
    path.write_bytes(b"other")
    found = hashlib.md5(b"other").hexdigest()
    with pytest.raises(RuntimeError, match=f"MD5 {found}, expected 020f") as e:
        weights.fetch("nasnet_mobile")
    assert str(path) in str(e.value)
    assert path.read_bytes() == b"other"


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
    assert "no network. Download" in message


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


def test_weights_of_relu_in_cells_of_another_activation_are_told():
    name = "nasnet_a_cifar_nano"
    arguments = PRESETS[name].network_arguments()
    arguments["conventions"]["activation"] = "swish"
    model = build_network(PRESETS[name].architecture, **arguments)
    with pytest.warns(UserWarning, match="trained with ReLU"):
        weights.load(model, "cifar10", name)


def test_ones_own_weights_may_be_of_any_activation(tmp_path, recwarn):
    genotype = Genotype(
        *[CellSpec((Block((0, 1), ("conv_1x1", "identity")),))] * 2
    )
    model = build_network(
        genotype,
        (8, 8, 3),
        repeats=1,
        filters=4,
        conventions={"activation": "swish"},
    )
    model.save_weights(tmp_path / "own.weights.h5")
    weights.load(model, tmp_path / "own.weights.h5", "nasnet_a_cifar_nano")
    assert not [each for each in recwarn if "ReLU" in str(each.message)]
