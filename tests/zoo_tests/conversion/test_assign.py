import keras
import numpy as np
import pytest

from zoo.conversion.assign import Arrays, assign

SUFFIXES = {
    "batch_norm": ("/gamma", "/beta", "/mean", "/variance"),
    "dense": ("/weights", "/biases"),
}
NORM = {f"norm{suffix}": (3,) for suffix in SUFFIXES["batch_norm"]}


def model(classes=2):
    """A body that is a batch norm, and a classifier if there are classes."""
    inputs = outputs = keras.Input((3,))
    outputs = keras.layers.BatchNormalization(name="stem")(outputs)
    if classes:
        outputs = keras.layers.Dense(classes, name="logits")(outputs)
    return keras.Model(inputs, outputs, name="small")


def head(classes):
    return {"FC/weights": (3, classes), "FC/biases": (classes,)}


def arrays(shapes):
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return Arrays("the file", values, heads=("FC", "second"))


def load(target, given):
    names = {"stem": ("norm",), "logits": ("FC",)}
    assign(target, given, lambda place: names[place.part[0]], SUFFIXES)


def unchanged(target, before):
    return all(
        np.array_equal(one, other)
        for one, other in zip(before, target.get_weights(), strict=True)
    )


def test_what_fits_is_set_and_nothing_said():
    target, given = model(), arrays(NORM | head(2))
    values = dict(given.by_name)
    load(target, given)
    norm, logits = target.get_layer("stem"), target.get_layer("logits")
    np.testing.assert_allclose(norm.beta, values["norm/beta"], 1e-6)
    np.testing.assert_allclose(norm.moving_mean, values["norm/mean"], 1e-6)
    np.testing.assert_allclose(logits.kernel, values["FC/weights"], 1e-6)


@pytest.mark.parametrize(
    ("shapes", "line"),
    [
        (NORM | {"norm/beta": (4,)}, r"norm: \[\(3,\), \(4,\), \(3,\), \(3,\)"),
        ({}, "norm: not there in the file"),
        (NORM | {"more": (1,)}, "more: only in the file"),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_set(shapes, line):
    target = model()
    before = target.get_weights()
    with pytest.raises(ValueError, match=line) as error:
        load(target, arrays(shapes | head(2)))
    assert "The weights of the file are not those of small" in str(error.value)
    assert unchanged(target, before)


@pytest.mark.parametrize("stored", [head(7), {}])
def test_a_classifier_of_other_classes_starts_anew_and_says_so(stored):
    target, given = model(), arrays(NORM | stored)
    before = target.get_layer("logits").get_weights()
    beta = given.by_name["norm/beta"]
    with pytest.warns(UserWarning, match="The classifier starts anew: FC"):
        load(target, given)
    assert unchanged(target.get_layer("logits"), before)
    np.testing.assert_allclose(target.get_layer("stem").beta, beta, 1e-6)


@pytest.mark.parametrize(("classes", "first"), [(1000, 1), (1001, 0)])
@pytest.mark.filterwarnings("ignore:small has the weights")
def test_the_background_class_is_left_out_for_imagenet(classes, first):
    target, given = model(classes), arrays(NORM | head(1001))
    values = dict(given.by_name)
    load(target, given)
    kernel, bias = target.get_layer("logits").get_weights()
    np.testing.assert_allclose(kernel, values["FC/weights"][:, first:], 1e-6)
    np.testing.assert_allclose(bias, values["FC/biases"][first:], 1e-6)


def test_that_the_background_class_is_left_out_is_said():
    with pytest.warns(UserWarning, match="FC has 1001 classes: the first"):
        load(model(1000), arrays(NORM | head(1001)))


def test_a_classifier_that_the_model_has_not_is_named():
    with pytest.warns(UserWarning) as said:
        load(model(0), arrays(NORM | head(2) | {"second/weights": (1,)}))
    message = str(said[0].message)
    assert "the model has no such classifier" in message
    assert "FC/weights, FC/biases, second/weights." in message


def test_what_is_set_aside_is_named_and_explained():
    given = arrays(NORM | head(2) | {f"slot_{n}": () for n in range(8)})
    slots = [name for name in given.by_name if name.startswith("slot")]
    given.set_aside(slots, "since it is no weight")
    with pytest.warns(UserWarning) as said:
        load(model(), given)
    message = str(said[0].message)
    assert "since it is no weight: slot_0, slot_1" in message
    assert "and 2 more." in message


def test_of_what_is_only_in_the_file_a_few_are_named():
    shapes = NORM | head(2) | {f"more_{n}": (1,) for n in range(8)}
    with pytest.raises(ValueError, match="more_0, .* and 2 more: only in the"):
        load(model(), arrays(shapes))
