"""What sources call their tensors, of a few by hand; what all of their networks
compute is compared with what PyTorch computed, see pytorch_reference.py."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from nasnet_keras.layers.parts.channel_gather import ChannelGather
from zoo.conversion import pytorch
from zoo.presets import PRESETS

# Preset: its classifier, stem, and head.
OURS = "shufflenet_v2_050_torchvision"
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")

# The presets whose networks a source has.
PROVEN = (
    *("se_resnet_50", "se_resnet_50_timm", "senet_154", "senet_154_timm"),
    *(f"shufflenet_v1_g{groups}_osmr" for groups in (1, 2, 3, 4, 8)),
    "shufflenet_v2_osmr",
    *(name for name in PRESETS if name.endswith("torchvision")),
    *("condensenet_74_g4", "condensenet_74_g8"),
    *("mobilenet_v2", "mobilenet_v2_140"),
    *("mnasnet_a1", "mnasnet_b1", "mnasnet_small"),
    *("proxylessnas_cpu", "proxylessnas_gpu", "proxylessnas_mobile"),
)


def torchvision_layers():
    """The convolutions and batch norms of torchvision's ShuffleNet v2, in
    order, and which are depthwise."""
    yield from (("conv1.0", "conv1.1", False),)
    for stage, repeats in ((2, 4), (3, 8), (4, 4)):
        for unit in range(repeats):
            name = f"stage{stage}.{unit}"
            if not unit:
                yield f"{name}.branch1.0", f"{name}.branch1.1", True
                yield f"{name}.branch1.2", f"{name}.branch1.3", False
            yield f"{name}.branch2.0", f"{name}.branch2.1", False
            yield f"{name}.branch2.3", f"{name}.branch2.4", True
            yield f"{name}.branch2.5", f"{name}.branch2.6", False
    yield from (("conv5.0", "conv5.1", False),)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A model, and a file of its weights as torchvision calls them."""
    model = zoo.create_model(OURS, (32, 32, 3), classes=5)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    weights = iter(model.get_weights())
    tensors = {}
    for convolution, norm, depthwise in torchvision_layers():
        kernel = next(weights)
        axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        tensors[f"{convolution}.weight"] = kernel.transpose(axes)
        for name in BATCH_NORM:
            tensors[f"{norm}.{name}"] = next(weights)
        tensors[f"{norm}.num_batches_tracked"] = np.array([3])
    tensors["fc.weight"], tensors["fc.bias"] = next(weights).T, next(weights)
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    tensors = {n: np.ascontiguousarray(t) for n, t in tensors.items()}
    save_file(tensors, path)
    return model, path, tensors


def test_every_tensor_has_its_place(written):
    """An error or a warning would say what is missing or left over."""
    model, path, _ = written
    loaded = zoo.create_model(OURS, (32, 32, 3), classes=5, weights=path)
    for one, other in zip(
        model.get_weights(), loaded.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("conventions", "needed"),
    [
        ({"bn_epsilon": 1e-3}, "need bn_epsilon=1e-05: build"),
        (
            {"bn_epsilon": 1e-3, "strided_padding": "same"},
            "need strided_padding='symmetric' and bn_epsilon=1e-05: build",
        ),
    ],
)
def test_other_conventions_than_those_of_the_source(
    written, conventions, needed
):
    _, path, _ = written
    with pytest.warns(UserWarning, match=needed):
        zoo.create_model(
            OURS, (32, 32, 3), classes=5, weights=path, **conventions
        )


@pytest.mark.parametrize(
    ("known", "epsilon"),
    [("body.dw_conv", 1e-3), ("conv_stem.weight", 1e-5)],
)
def test_the_epsilon_of_a_source(known, epsilon):
    source = next(each for each in pytorch.SOURCES if known in each.known_by)
    assert source.bn_epsilon == epsilon


def test_what_does_not_fit_is_listed(written, tmp_path):
    model, _, tensors = written
    path = tmp_path / "model.safetensors"
    changed = {**tensors, "stage2.3.branch2.0.weight": np.zeros((1, 1, 1, 1))}
    del changed["stage3.7.branch2.6.bias"]
    save_file(changed, path)
    with pytest.raises(ValueError) as error:
        pytorch.load(model, path)
    for part in ("stage2.3.branch2.0 + ", "stage3.7.branch2.5 + "):
        assert part in str(error.value)


def test_the_network_of_another_source_is_refused(written):
    _, path, _ = written
    other = zoo.create_model("mobilenet_v2_035", (32, 32, 3), classes=5)
    with pytest.raises(ValueError, match="is a file of another network"):
        pytorch.load(other, path)


def test_types_that_numpy_lacks_are_a_sentence(written, tmp_path):
    model, _, tensors = written
    path = tmp_path / "model.safetensors"
    save_file({**tensors, "half": np.zeros(4, np.float16)}, path)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + size].replace(b'"F16"', b'"BF16"')
    length = len(header).to_bytes(8, "little")
    path.write_bytes(length + header + content[8 + size :])
    with pytest.raises(ValueError, match="'half'.*tensor.float.*BF16"):
        pytorch.load(model, path)


@pytest.mark.parametrize("number", [-1, 8])
def test_channels_that_are_not_there_are_a_sentence(number):
    layer = ChannelGather(4)
    layer.build((None, 5, 5, 8))
    tensors = {"unit.index": np.array([0, 7, number, 3])}
    with pytest.raises(ValueError, match="'unit.index'.*of 8 channels"):
        pytorch._check_index(layer, tensors, ("unit",))


@pytest.mark.large
@pytest.mark.parametrize("name", PROVEN)
def test_the_same_logits(name, largest_difference):
    directory = os.environ.get("NASNET_PYTORCH_PARITY")
    if directory is None:
        pytest.skip(
            "NASNET_PYTORCH_PARITY names no directory with what "
            "pytorch_reference.py writes."
        )
    with np.load(Path(directory) / f"{name}.npz") as arrays:
        images, logits = arrays["images"], arrays["logits"]
        epsilon = float(arrays["epsilon"])
    model = zoo.create_model(
        name,
        weights=Path(directory) / f"{name}.safetensors",
        classifier_activation=None,
        strided_padding="symmetric",
        bn_epsilon=epsilon,
    )
    print(name, end=" ")
    assert largest_difference(logits, model(images)) < 1e-4
