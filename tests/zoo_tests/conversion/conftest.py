import keras
import numpy as np
import pytest
from keras.src.applications.nasnet import NASNet

from nasnet_keras.network.build import build_network
from nasnet_keras.published import NASNET_A


def _randomise_batch_norms(model):
    """As they are made they are ones and zeros, and hide what is exchanged."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            layer.beta.assign(rng.normal(0, 0.1, shape))
            layer.moving_mean.assign(rng.normal(0, 0.1, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, shape))


def _their_model(repeats=1, filters=8, size=40, skip=False, **arguments):
    keras.utils.set_random_seed(0)
    model = NASNet(
        (size, size, 3),
        penultimate_filters=24 * filters,
        num_blocks=repeats,
        stem_block_filters=6,
        skip_reduction=skip,
        weights=None,
        classifier_activation=None,
        **{"classes": 5, **arguments},
    )
    _randomise_batch_norms(model)
    return model


def _our_model(
    size=40, skip=False, filters=8, repeats=1, pool_padding="zeros", **arguments
):
    return build_network(
        NASNET_A,
        (size, size, 3),
        repeats=repeats,
        filters=filters,
        stem="imagenet",
        stem_filters=6,
        skip_reduction_layer_input=skip,
        classifier_activation=None,
        conventions={
            "pool_padding": pool_padding,
            "bn_momentum": 0.9997,
            "bn_epsilon": 1e-3,
        },
        **{"classes": 5, **arguments},
    )


def _largest_difference(expected, outputs):
    """As a share of the largest output."""
    expected, outputs = np.asarray(expected), np.asarray(outputs)
    largest = np.abs(expected).max()
    # The images do make a difference.
    assert np.abs(expected[0] - expected[1]).max() > 0.01 * largest
    difference = np.abs(outputs - expected).max() / largest
    print(f"largest difference {difference:.2e} of the largest output")
    return difference


def _difference(theirs, ours, size):
    """The largest of what two models make of two images."""
    images = np.random.default_rng(1).uniform(-1, 1, (2, size, size, 3))
    images[0] *= 0.2
    return _largest_difference(theirs(images), ours(images))


@pytest.fixture
def largest_difference():
    return _largest_difference


@pytest.fixture
def randomise_batch_norms():
    return _randomise_batch_norms


@pytest.fixture
def their_model():
    """The builder of a small NASNet of keras.applications."""
    return _their_model


@pytest.fixture(scope="session")
def our_model():
    """The builder of our network of the same plan."""
    return _our_model


@pytest.fixture
def difference():
    return _difference


@pytest.fixture(scope="package")
def theirs():
    """A model of theirs to read."""
    return _their_model()


# === The variables of TF-slim's networks, as its code makes them ===

# nasnet_utils.py and pnasnet.py: operations, hidden states that they read
# (left and right in turn), and whether each state is not concatenated.
_NORMAL = (
    "sep5 sep3 sep5 sep3 avg none avg avg sep3 none".split(),
    [0, 1, 1, 1, 0, 1, 1, 1, 0, 0],
    [1, 0, 0, 0, 0, 0, 0],
)
_REDUCTION = (
    "sep5 sep7 max sep7 avg sep5 none avg sep3 max".split(),
    [0, 1, 0, 1, 0, 1, 3, 2, 2, 0],
    [1, 1, 1, 0, 0, 0, 0],
)
_PROGRESSIVE = (
    "sep5 max sep7 max sep5 sep3 sep3 max sep3 none".split(),
    [1, 1, 0, 0, 0, 0, 4, 0, 1, 0],
    [1, 1, 0, 0, 0, 0, 0],
)


class _Slim:
    """Collects the shapes; a map is its side and its channels."""

    def __init__(self):
        self.shapes = {}

    def convolution(self, scope, side, channels, filters):
        self.shapes[f"{scope}/weights"] = (side, side, channels, filters)

    def norm(self, scope, filters):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.shapes[f"{scope}/{name}"] = (filters,)

    def dense(self, scope, channels, classes):
        self.shapes[f"{scope}/weights"] = (channels, classes)
        self.shapes[f"{scope}/biases"] = (classes,)

    def factorized_reduction(self, scope, net, filters, stride):
        side, channels = net
        if stride == 1:
            self.convolution(f"{scope}/path_conv", 1, channels, filters)
            self.norm(f"{scope}/path_bn", filters)
            return side, filters
        for path in (1, 2):
            name = f"{scope}/path{path}_conv"
            self.convolution(name, 1, channels, filters // 2)
        self.norm(f"{scope}/final_path_bn", filters)
        return -(-side // 2), filters

    def cell(self, scope, plan, filters, stride, net, previous):
        operations, reads, used = plan
        before = net
        if previous is not None:
            before = previous
            if previous[0] != net[0]:
                before = self.factorized_reduction(scope, previous, filters, 2)
            elif previous[1] != filters:
                self.convolution(f"{scope}/prev_1x1", 1, previous[1], filters)
                self.norm(f"{scope}/prev_bn", filters)
                before = net[0], filters
        self.convolution(f"{scope}/1x1", 1, net[1], filters)
        self.norm(f"{scope}/beginning_bn", filters)
        states = [(net[0], filters), before]
        for place, operation in enumerate(operations):
            state, side = reads[place], ("left", "right")[place % 2]
            side = self.operation(
                f"{scope}/comb_iter_{place // 2}/{side}",
                operation,
                states[state],
                filters,
                stride if state < 2 else 1,
            )
            if place % 2:
                states.append((side, filters))
        for number, state in enumerate(states):
            if state != states[-1] and not used[number]:
                states[number] = self.factorized_reduction(
                    f"{scope}/cell_output/reduction_{number}",
                    state,
                    filters,
                    1 if state[0] == states[-1][0] else 2,
                )
        kept = [s for s, out in zip(states, used, strict=True) if not out]
        return states[-1][0], sum(channels for _, channels in kept)

    def operation(self, scope, operation, state, filters, stride):
        side, channels = state
        if operation.startswith("sep"):
            size = int(operation[-1])
            for layer in (1, 2):
                name = f"{scope}/separable_{size}x{size}_{layer}"
                kernel = (size, size, channels, 1)
                self.shapes[f"{name}/depthwise_weights"] = kernel
                kernel = (1, 1, channels, filters)
                self.shapes[f"{name}/pointwise_weights"] = kernel
                self.norm(f"{scope}/bn_sep_{size}x{size}_{layer}", filters)
                channels = filters
        elif channels != filters or (operation == "none" and stride > 1):
            self.convolution(f"{scope}/1x1", 1, channels, filters)
            self.norm(f"{scope}/bn_1", filters)
        return -(-side // stride)

    def auxiliary_head(self, scope, net, classes):
        side, channels = (net[0] - 5) // 3 + 1, net[1]
        self.convolution(f"{scope}/proj", 1, channels, 128)
        self.norm(f"{scope}/aux_bn0", 128)
        self.convolution(f"{scope}/Conv", side, 128, 768)
        self.norm(f"{scope}/aux_bn1", 768)
        self.dense(f"{scope}/FC", 768, classes)


def _slim_variables(
    kind, size, filters, cells, classes, stem_filters, skip=False
):
    """Names and shapes of the variables of a network.

    Args:
        kind: `"cifar"` or `"imagenet"` for NASNet-A, `"pnasnet"`.
    """
    slim, progressive = _Slim(), kind == "pnasnet"
    reduction = _PROGRESSIVE if progressive else _REDUCTION
    if kind == "cifar":
        slim.convolution("l1_stem_3x3", 3, 3, stem_filters)
        slim.norm("l1_stem_bn", stem_filters)
        outputs = [None, (size, stem_filters)]
    else:
        slim.convolution("conv0", 3, 3, stem_filters)
        slim.norm("conv0_bn", stem_filters)
        outputs = [None, ((size - 3) // 2 + 1, stem_filters)]
        for number, width in enumerate((filters // 4, filters // 2)):
            given = (reduction, width, 2, outputs[-1], outputs[-2])
            outputs.append(slim.cell(f"cell_stem_{number}", *given))
    places = [cells // 3, 2 * cells // 3]
    for number in range(cells):
        previous, stride = outputs[-2], 1
        if number in places:
            filters *= 2
        if number in places and progressive:
            stride = 2
        elif number in places:
            scope = f"reduction_cell_{places.index(number)}"
            given = (reduction, filters, 2, outputs[-1], outputs[-2])
            outputs.append(slim.cell(scope, *given))
            previous = previous if skip else outputs[-2]
        plan = _PROGRESSIVE if progressive else _NORMAL
        given = (plan, filters, stride, outputs[-1], previous)
        outputs.append(slim.cell(f"cell_{number}", *given))
        if number == places[1] - 1:
            scope = f"aux_{number}/aux_logits"
            slim.auxiliary_head(scope, outputs[-1], classes)
    slim.dense("final_layer/FC", outputs[-1][1], classes)
    return slim.shapes


@pytest.fixture
def slim_variables():
    return _slim_variables
