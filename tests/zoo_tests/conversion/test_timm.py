"""timm's networks are TF-slim's brought to PyTorch, so the names of their
tensors follow from those of TF-slim's variables. What they compute is compared
with what timm computed, see timm_reference.py."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from nasnet_keras.layers.operations.pooling import AveragePooling3x3
from nasnet_keras.network.build import build_network
from nasnet_keras.published import NASNET_A, PNASNET_5
from zoo.conversion import timm

RENAMED = (
    (r"^final_layer/FC/", "last_linear/"),
    (r"^conv0_bn/", "conv0/bn/"),
    (r"^conv0/weights", "conv0/conv/weights"),
    (r"/(comb_iter_\d)/(left|right)/", r"/\1_\2/"),
    (
        r"/separable_\dx\d_(\d)/(depth|point)wise_",
        r"/separable_\1/\2wise_conv2d/",
    ),
    (r"/bn_sep_\dx\d_(\d)/", r"/bn_sep_\1/"),
    (r"/(comb_\w+)/1x1/", r"/\1/conv/"),
    (r"/(comb_\w+)/bn_1/", r"/\1/bn/"),
    (r"/1x1/", "/conv_1x1/conv/"),
    (r"/beginning_bn/", "/conv_1x1/bn/"),
    (r"/prev_1x1/", "/conv_prev_1x1/conv/"),
    (r"/prev_bn/", "/conv_prev_1x1/bn/"),
    (r"/path(\d)_conv/", r"/path_\1/conv/"),
    (r"/(weights|gamma)$", "/weight"),
    (r"/(biases|beta)$", "/bias"),
    (r"/moving_mean$", "/running_mean"),
    (r"/moving_variance$", "/running_var"),
)
OF_PNASNET = (
    (r"^conv0/", "conv_0/"),
    (r"/(path_\d|final_path_bn)/", r"/conv_prev_1x1/\1/"),
)
FRAMES = {"nasnet": NASNET_A, "pnasnet": PNASNET_5}


def tensors(shapes, frame):
    """Each of timm's tensors, filled with a number of its own."""
    rules = RENAMED + (OF_PNASNET if frame == "pnasnet" else ())
    made = {}
    for number, (name, shape) in enumerate(shapes.items(), start=1):
        if name.startswith("aux_"):
            continue
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if "depthwise" in name:
            height, width, channels, _ = shape
            shape = (channels, 1, height, width)
        elif len(shape) == 4:
            height, width, channels, filters = shape
            shape = (filters, channels, height, width)
        made[name.replace("/", ".")] = np.full(
            shape if len(shape) != 2 else shape[::-1], number, "float32"
        )
    return made


def our_model(frame, **arguments):
    return build_network(
        FRAMES[frame],
        (40, 40, 3),
        repeats=1,
        filters=8,
        stem="imagenet",
        stem_filters=6,
        frame=frame,
        **{"classes": 5, **arguments},
    )


@pytest.fixture
def file_of(slim_variables, tmp_path):
    """Writes a file, with changes to the tensors."""

    def make(frame, changes=None):
        kind = "pnasnet" if frame == "pnasnet" else "imagenet"
        shapes = slim_variables(kind, 160, 8, 3, 5, 6)
        given = tensors(shapes, frame) | (changes or {})
        path = tmp_path / "model.safetensors"
        given = {
            name: value for name, value in given.items() if value is not None
        }
        save_file(given, path)
        return path, given

    return make


@pytest.mark.parametrize("frame", FRAMES)
def test_every_tensor_has_its_place(frame, file_of):
    """An error or a warning would say what is missing or left over."""
    path, given = file_of(frame)
    assert timm.wrote(path)
    model = our_model(frame)
    timm.load(model, path)
    loaded = {float(array.flat[0]) for array in model.get_weights()}
    assert loaded == {float(tensor.flat[0]) for tensor in given.values()}


def test_kernels_are_transposed(file_of):
    rng = np.random.default_rng(0)
    name = "cell_1.comb_iter_1_left.separable_1.{}_conv2d.weight"
    depthwise = rng.normal(size=(16, 1, 5, 5)).astype("float32")
    pointwise = rng.normal(size=(16, 16, 1, 1)).astype("float32")
    path, _ = file_of(
        "nasnet",
        {
            name.format("depthwise"): depthwise,
            name.format("pointwise"): pointwise,
        },
    )
    model = our_model("nasnet")
    timm.load(model, path)
    unit = model.get_layer("cell_1").blocks[1][0].units[0]
    np.testing.assert_array_equal(
        unit.depthwise_kernel[1, 2, :, 0], depthwise[:, 0, 1, 2]
    )
    np.testing.assert_array_equal(
        unit.pointwise_kernel[0, 0, 3], pointwise[:, 3, 0, 0]
    )


def test_counters_of_batches_are_named(file_of):
    name = "conv0.bn.num_batches_tracked"
    path, _ = file_of("nasnet", {name: np.int64(3)[np.newaxis]})
    with pytest.warns(UserWarning, match=f"count batches: {name}"):
        timm.load(our_model("nasnet"), path)


def test_what_does_not_fit_is_listed_and_nothing_loaded(file_of):
    path, _ = file_of(
        "nasnet",
        {
            "cell_0.conv_1x1.conv.weight": None,
            "cell_1.path_1.conv.weight": np.zeros((1, 1, 1, 1), "float32"),
            "cell_9.conv_1x1.conv.weight": np.zeros(1, "float32"),
        },
    )
    model = our_model("nasnet")
    before = model.get_weights()
    with pytest.raises(ValueError) as error:
        timm.load(model, path)
    for line in (
        "cell_0.conv_1x1.conv + cell_0.conv_1x1.bn: [(8,), (8,)",
        "cell_1.path_1.conv + cell_1.path_2.conv + cell_1.final_path_bn: [(1,",
        "cell_9.conv_1x1.conv.weight: only in the file",
    ):
        assert line in str(error.value)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_files_of_others_are_not_theirs(tmp_path):
    other, text = tmp_path / "other.safetensors", tmp_path / "text"
    save_file({"conv1.weight": np.zeros(1)}, other)
    text.write_text("no tensors")
    assert not timm.wrote(other)
    assert not timm.wrote(text)
    assert not timm.wrote(tmp_path / "missing")


@pytest.fixture
def reference():
    """A file of timm's weights, images, and both logits."""
    directory = os.environ.get("NASNET_TIMM_PARITY")
    if directory is None:
        pytest.skip(
            "NASNET_TIMM_PARITY names no directory with what "
            "timm_reference.py writes."
        )

    def read(name):
        with np.load(Path(directory) / f"{name}.npz") as arrays:
            return Path(directory) / f"{name}.safetensors", dict(arrays)

    return read


def count_padding(monkeypatch):
    """Average pools with strides count the padding, as timm's."""
    pool = AveragePooling3x3._pool

    def counting(self, state, padding):
        if self.strides > 1:
            return pool(self, self._pad_with_zeros(state), "valid")
        return pool(self, state, padding)

    monkeypatch.setattr(AveragePooling3x3, "_pool", counting)


@pytest.mark.large
@pytest.mark.filterwarnings("ignore:.* has the weights of")
@pytest.mark.parametrize(
    ("preset", "name"),
    [("nasnet_large", "nasnetalarge"), ("pnasnet_5_large", "pnasnet5large")],
)
def test_the_same_logits(
    preset, name, reference, largest_difference, monkeypatch
):
    path, arrays = reference(name)
    model = zoo.create_model(preset, weights=path, classifier_activation=None)
    outputs = model(arrays["images"])
    assert largest_difference(arrays["logits_of_slim"], outputs) < 1e-4
    largest_difference(arrays["logits"], outputs)  # printed by `pytest -s`
    count_padding(monkeypatch)
    outputs = model(arrays["images"])
    assert largest_difference(arrays["logits"], outputs) < 1e-4
