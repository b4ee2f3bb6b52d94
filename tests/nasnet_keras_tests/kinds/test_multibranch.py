import json

import keras
import numpy as np
import pytest

from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.graph_nodes import (
    Convolution,
    Gather,
    Normalization,
    Pool,
    Shuffle,
    Squeeze,
)
from nasnet_keras.kinds.multibranch import (
    MAX_UNITS,
    MultiBranchArchitecture,
    MultiBranchKind,
)
from nasnet_keras.network.build import load_model
from nasnet_keras.network.model_cost import known_multiply_adds
from nasnet_keras.units import Unit

KIND = MultiBranchKind()
# One of everything, small.
SMALL = MultiBranchArchitecture(
    (
        Unit(((Convolution(8, 3, 2),),)),
        Unit(((Pool("maximum", padding="zeros"),),)),
        Unit(
            (
                (Convolution(8), Convolution(8, 3, activated=False), Squeeze()),
                (),
            ),
            activated=True,
            repeats=2,
        ),
        Unit(
            (
                (
                    Gather(groups=2),
                    Normalization(),
                    Convolution(8, groups=2, normalized=False),
                    Shuffle(2),
                    Convolution(None, 3, 2),
                ),
                (Pool("average"),),
            ),
            "concatenate",
        ),
        Unit(
            ((), (Convolution(8),)),
            "concatenate",
            split=True,
            shuffle=2,
        ),
        Unit(((Normalization(), Gather(0.5)),)),
    ),
    activation="hard_swish",
    classifier_bias=False,
)
SHAPE = (32, 24, 3)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def size(weight):
    return int(np.prod(weight.shape))


@pytest.mark.parametrize(
    "arguments", [{}, {"conventions": {"normalization": "bias"}}]
)
def test_networks_are_built_as_they_are_counted(arguments):
    model = KIND.build(SMALL, SHAPE, 7, **arguments)
    cost = KIND.complexity(SMALL, SHAPE, 7, **arguments)
    assert cost.parameters == model.count_params()
    assert cost.trainable_parameters == sum(map(size, model.trainable_weights))
    assert cost.multiply_adds == known_multiply_adds(model)


def test_multiply_adds_are_those_of_each_kernel_at_its_output():
    stem, residual = 8 * 27 * 16 * 12, 8 * 8 * (1 + 9) * 8 * 6
    squeezed = 2 * 8 * 1
    grouped, depthwise = 4 * 8 * 8 * 6, 9 * 8 * 4 * 3
    last, classifier = 8 * 8 * 4 * 3, 8 * 7
    assert KIND.complexity(SMALL, SHAPE, 7).multiply_adds == (
        stem
        + 2 * (residual + squeezed)
        + grouped
        + depthwise
        + last
        + classifier
    )


def test_features_are_the_last_maps_of_each_size():
    outputs = KIND.build(SMALL, SHAPE, 7, features=True).output
    assert {name: each.shape[1:] for name, each in outputs.items()} == {
        "P1": (16, 12, 8),
        "P2": (8, 6, 8),
        "P3": (4, 3, 8),
    }
    model = KIND.build(SMALL, (None, None, 3), 7, include_top=False)
    assert model.output_shape == (None, None, None, 8)
    assert model(noise(1, 45, 38, 3)).shape == (1, 6, 5, 8)


def test_channels_may_come_first():
    first = KIND.build(
        SMALL, (3, 32, 24), 7, conventions={"data_format": "channels_first"}
    )
    last = KIND.build(SMALL, SHAPE, 7)
    first.set_weights(last.get_weights())
    images = noise(2, *SHAPE)
    np.testing.assert_allclose(
        first(images.transpose(0, 3, 1, 2)), last(images), rtol=1e-4, atol=1e-6
    )


def test_it_trains_and_loads_as_it_was_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = KIND.build(SMALL, SHAPE, 2, drop_path_rate=0.2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = noise(8, *SHAPE)
    before = [np.asarray(weight) for weight in model.trainable_weights]
    model.fit(images, np.arange(8) % 2, verbose=0)
    changed = [
        (old != new).any()
        for old, new in zip(
            before, map(np.asarray, model.trainable_weights), strict=True
        )
    ]
    assert np.mean(changed) > 0.9
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(images), model(images))


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.large) for each in FORMATS]
)
def test_every_format_computes_the_same(name, tmp_path):
    try:
        FORMATS[name].check(False)
    except ValueError as error:
        pytest.skip(str(error))
    model = KIND.build(SMALL, SHAPE, 7, classifier_activation=None)
    path = tmp_path / f"network{FORMATS[name].suffix}"
    assert export(model, path, name).comparison.difference < 1e-4


def test_a_network_in_words():
    lines = KIND.text(SMALL).splitlines()
    assert lines[0] == " 1 = 3x3 8 / 2"
    assert lines[2] == (
        " 3 = 2 x (1x1 8 > 3x3 8 linear > squeeze 0.0625) + (identity), "
        "activated"
    )
    assert lines[4] == " 5 = (identity), (1x1 8), of halves, shuffled by 2"


def test_data_are_json_both_ways():
    data = json.loads(json.dumps(KIND.to_data(SMALL)))
    assert KIND.from_data(data) == SMALL


@pytest.mark.parametrize(
    "change",
    [
        lambda data: 3,
        lambda data: {},
        lambda data: {**data, "units": []},
        lambda data: {**data, "units": [3]},
        lambda data: {**data, "units": data["units"] * MAX_UNITS},
        lambda data: {**data, "units": [{"branches": [[{"step": "loop"}]]}]},
        lambda data: {**data, "units": [{"branches": [[{"x": "y" * 999}]]}]},
        lambda data: {
            **data,
            "units": [{"branches": [[]] * 4, "repeats": 100}] * MAX_UNITS,
        },
        lambda data: {
            **data,
            "units": [
                {"branches": [[data["units"][0]["branches"][0][0]] * 100]}
            ]
            * MAX_UNITS,
        },
        lambda data: {**data, "more": 1},
        lambda data: {**data, "activation": None},
    ],
)
def test_other_data_are_refused_with_a_sentence(change):
    with pytest.raises(ValueError, match="Expected.*Received") as error:
        KIND.from_data(change(KIND.to_data(SMALL)))
    assert len(str(error.value)) < 600 and "\n" not in str(error.value)


def test_channels_that_double_without_end_are_a_sentence():
    doubled = Unit(((), ()), "concatenate", repeats=100)
    for step in (Gather(0.5), Squeeze()):
        architecture = MultiBranchArchitecture((doubled, Unit(((step,),))))
        with pytest.raises(ValueError, match="at most 1,000,000. Received"):
            KIND.complexity(architecture, SHAPE, 7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "`filters` of a multi-branch network.*Received"),
        ({"drop_path_rate": 1.0}, "`drop_path_rate`.*Received"),
        ({"input_shape": (16, 3)}, "`input_shape`.*Received"),
        ({"classes": 0}, "`classes`.*Received"),
    ],
)
def test_other_arguments_are_a_sentence(arguments, sentence):
    arguments = {"input_shape": SHAPE, "classes": 7, **arguments}
    with pytest.raises(ValueError, match=sentence):
        KIND.build(SMALL, **arguments)
