"""What users of plain Keras do with a network: `compile`, `fit`, callbacks.

docs/training.md, "With Keras alone", says what is tested here.
"""

import keras
import numpy as np
import pytest

import zoo
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.build import build_network

CELL = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))
LOSS = "sparse_categorical_crossentropy"
LABELS = np.arange(32) % 2
IMAGES = np.random.default_rng(0).uniform(-1, 1, (32, 16, 16, 3))
IMAGES = (0.5 * IMAGES + LABELS[:, None, None, None] - 0.5).astype("float32")
FITTED = {"batch_size": 8, "shuffle": False, "verbose": 0}


def small(**arguments):
    keras.utils.set_random_seed(0)
    arguments = {"repeats": 1, "filters": 4, **arguments}
    return build_network(
        Genotype(CELL, CELL), (16, 16, 3), 2, conventions=QUICK, **arguments
    )


def nano(**arguments):
    keras.utils.set_random_seed(0)
    arguments = {"filters": 4, "classes": 2, **arguments}
    return zoo.NASNetCIFARNano((16, 16, 3), bn_momentum=0.8, **arguments)


QUICK = {"bn_momentum": 0.8}
NETWORKS = pytest.mark.parametrize(
    "network", [small, pytest.param(nano, marks=pytest.mark.large)]
)


@pytest.fixture(
    params=[
        "mixed_float16",
        pytest.param("float32", marks=pytest.mark.large),
        pytest.param("mixed_bfloat16", marks=pytest.mark.large),
    ]
)
def policy(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.large
@NETWORKS
def test_callbacks_under_a_global_policy(network, policy, tmp_path):
    model = network(drop_path_rate=0.2, drop_path_steps=12)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), LOSS, metrics=["accuracy"]
    )
    best = tmp_path / "best.keras"
    history = model.fit(
        *(IMAGES[:24], LABELS[:24]),
        validation_data=(IMAGES[24:], LABELS[24:]),
        epochs=4,
        callbacks=[
            keras.callbacks.ModelCheckpoint(best, save_best_only=True),
            # Any epoch is a plateau: the least improvement is out of reach.
            keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=100),
            keras.callbacks.EarlyStopping(
                patience=2, min_delta=100, restore_best_weights=True
            ),
            keras.callbacks.TerminateOnNaN(),
        ],
        **FITTED,
    ).history
    assert len(history["loss"]) == 3  # stopped
    rates = history["learning_rate"]
    assert rates == pytest.approx([0.05, 0.05, 0.005])
    loaded = keras.models.load_model(best)
    assert loaded.get_layer("cell_0").dtype_policy.name == policy
    assert {weight.dtype for weight in loaded.weights} <= {"float32", "int32"}
    outputs = loaded.predict(IMAGES, verbose=0)
    assert outputs.dtype == "float32" and np.isfinite(outputs).all()
    measured, _ = loaded.evaluate(IMAGES[24:], LABELS[24:], verbose=0)
    assert measured == pytest.approx(min(history["val_loss"]), rel=0.02)


class Killed(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.large
@pytest.mark.parametrize("drop_path_rate", [0.2, 0.0])
def test_backup_and_restore(drop_path_rate, tmp_path):
    """Keras keeps the step of a drop path and not what is drawn next."""

    def fit(name, *callbacks):
        model = small(drop_path_rate=drop_path_rate, drop_path_steps=16)
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), LOSS)
        backup = keras.callbacks.BackupAndRestore(tmp_path / name)
        model.fit(
            IMAGES, LABELS, epochs=4, callbacks=[backup, *callbacks], **FITTED
        )
        return model

    with pytest.raises(KeyboardInterrupt):
        fit("parts", Killed())
    parts = fit("parts")
    assert int(parts.optimizer.iterations) == 16
    if drop_path_rate:
        assert int(parts.get_layer("cell_0").drop_path.step) == 16
        return
    for one, other in zip(
        parts.get_weights(), fit("whole").get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


# === The auxiliary head ===

BOTH = dict.fromkeys(("predictions", "auxiliary_predictions"))
WEIGHTS = np.where(LABELS, 2.0, 0.5)


@pytest.fixture(scope="module")
def two_heads():
    return small(auxiliary_head=True)


def losses(model, labels, loss, **arguments):
    """Of a first step that changes nothing."""
    model.compile(keras.optimizers.SGD(0.0), loss)
    arguments |= {"batch_size": 32, "verbose": 0}
    return model.fit(IMAGES, labels, **arguments).history


@pytest.mark.large
def test_two_heads_take_labels_each(two_heads):
    for loss in (LOSS, dict.fromkeys(BOTH, LOSS)):
        found = losses(two_heads, dict.fromkeys(BOTH, LABELS), loss)
        assert set(found) == {"loss", *(f"{name}_loss" for name in BOTH)}
        assert found["loss"][0] == pytest.approx(
            sum(found[f"{name}_loss"][0] for name in BOTH), rel=1e-5
        )


@pytest.mark.large
def test_the_main_head_alone_takes_one_array(two_heads):
    with pytest.warns(UserWarning, match="Gradients do not exist for .*aux"):
        found = losses(two_heads, LABELS, {"predictions": LOSS})
    both = losses(two_heads, dict.fromkeys(BOTH, LABELS), LOSS)
    assert found == {"loss": [pytest.approx(both["predictions_loss"][0])]}


def test_one_array_for_two_heads_is_refused_by_keras(two_heads):
    with pytest.raises(ValueError, match="different structures"):
        losses(two_heads, LABELS, dict.fromkeys(BOTH, LOSS))


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.large
def test_sample_weights_are_of_both_heads(each, two_heads):
    labels = dict.fromkeys(BOTH, LABELS)
    weights = dict.fromkeys(BOTH, WEIGHTS) if each else WEIGHTS
    twice, once = (
        losses(two_heads, labels, LOSS, sample_weight=weights)
        for weights in (
            keras.tree.map_structure(lambda each: 2 * each, weights),
            weights,
        )
    )
    for name, (value,) in once.items():
        assert twice[name][0] == pytest.approx(2 * value, rel=1e-5)


def test_class_weights_are_sample_weights(two_heads):
    """Of two heads Keras takes the latter alone; of one, both are the same."""
    classes = {0: 0.5, 1: 2.0}
    with pytest.raises(ValueError, match="single output"):
        labels = dict.fromkeys(BOTH, LABELS)
        losses(two_heads, labels, LOSS, class_weight=classes)
    model = small()
    found = losses(model, LABELS, LOSS, class_weight=classes)
    same = losses(model, LABELS, LOSS, sample_weight=WEIGHTS)
    assert found["loss"] == pytest.approx(same["loss"], rel=1e-5)
