import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.deployment.latency.latency_table import (
    LatencyTable,
    measure_latency,
)
from nasnet_keras.deployment.latency.samples import random_genotypes
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.network.complexity import genotype_complexity

SETTING = {"input_shape": (8, 8, 3), "repeats": 1, "filters": 2}
SPACE = (2, ("identity", "conv_3x3"), ("add", "concat"))
STEM = 8 * 8 * 3 * 3 * 3 * 6  # its products
# How many sides of the kernel each output of a convolution sums over.
SUMMED = {"Conv2D": 3, "DepthwiseConv2dNative": 2}


def products(function, *arguments):
    """In the place of seconds: the products of the convolutions."""
    total = 0
    graph = function.get_concrete_function().graph
    for operation in graph.get_operations():
        if operation.type in SUMMED:
            output, kernel = operation.outputs[0], operation.inputs[1]
            reads = kernel.shape.as_list()[: SUMMED[operation.type]]
            total += np.prod(output.shape.as_list()) * np.prod(reads)
    return float(total)


def cell_products(genotype):
    """What `products` finds in the network, but for the stem."""
    cells = genotype_complexity(genotype, classes=1, **SETTING).multiply_adds
    return cells - 8 * genotype.normal.output_multiple - STEM


@pytest.fixture(scope="module")
def measured():
    progress = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "nasnet_keras.deployment.latency.chains.STEPS", 1
        )  # quicker
        table = LatencyTable.measure(
            *SPACE,
            networks=2,
            timer=products,
            progress=lambda *numbers: progress.append(numbers),
            **SETTING,
        )
    return table, progress


@pytest.fixture(scope="module")
def table(measured):
    return measured[0]


# === A table ===


def test_no_network_takes_less_than_nothing():
    """Nor where the line through those measured says so."""

    def steep(function, *arguments):
        graph = function.get_concrete_function().graph
        whole = any(each.type == "MatMul" for each in graph.get_operations())
        return max(0.0, products(function) - whole * 2 * STEM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nasnet_keras.deployment.latency.chains.STEPS", 1)
        table = LatencyTable.measure(
            1, SPACE[1], ("add",), networks=3, timer=steep, **SETTING
        )
    assert table.offset == 0 and table.scale > 0


def test_what_adds_up_exactly_is_predicted_exactly(table):
    """Products do, and they are linear in the channels."""
    assert (table.offset, table.scale) == pytest.approx((STEM, 1))
    for genotype in random_genotypes(20, *SPACE, seed=5):
        expected = STEM + cell_products(genotype)
        assert table.predict(genotype) == pytest.approx(expected)


def test_a_slower_operation_makes_a_network_slower(table):
    cells = [
        CellSpec((Block((0, 0), (name, "identity")),))
        for name in ("identity", "conv_3x3")
    ]
    fast, slow = (table.predict(Genotype(cell, cell)) for cell in cells)
    assert fast < slow


def test_progress_counts_to_the_total(measured):
    table, progress = measured
    total = len(table.seconds) + 2
    assert progress == [(done, total) for done in range(1, total + 1)]


def test_a_saved_table_predicts_the_same(table, tmp_path):
    table.save(tmp_path / "table.json")
    loaded = LatencyTable.load(tmp_path / "table.json")
    assert loaded == table
    assert loaded.fingerprint == table.fingerprint
    (genotype,) = random_genotypes(1, *SPACE)
    assert loaded.predict(genotype) == table.predict(genotype)


def test_a_table_tells_where_it_is_from(table):
    assert set(table.versions) == {"tensorflow", "keras"}
    assert table.machine["processors"] >= 1


def test_another_setting_is_refused(table):
    table.check_setting(**SETTING)
    with pytest.raises(ValueError, match="Expected filters=2. Rec.*filters=3"):
        table.check_setting(**{**SETTING, "filters": 3})


def test_other_genotypes_are_refused(table):
    pool = CellSpec((Block((0, 1), ("max_pool_3x3", "identity")),))
    wide = CellSpec((Block((0, 1), ("identity", "identity"), "concat"),) * 3)
    for spec, place in ((pool, "max_pool_3x3"), (wide, "output")):
        with pytest.raises(ValueError, match=f"other networks.*{place}"):
            table.predict(Genotype(spec, spec))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"networks": 1}, "`networks`.*at least 2.*networks=1"),
        ({"depth": 3}, "the setting.*repeats.*depth"),
        ({"filters": 0}, "`filters`.*at least 1.*filters=0"),
        ({"input_shape": (None, None, 3)}, "known height"),
        ({"operations": ("conv_9x9",)}, "`operations`.*conv_9x9"),
    ],
)
def test_arguments_without_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LatencyTable.measure(timer=products, **arguments)


@pytest.mark.large
def test_measurements_that_contradict_each_other_are_refused(monkeypatch):
    monkeypatch.setattr("nasnet_keras.deployment.latency.chains.STEPS", 1)

    def disturbed(function, *arguments):
        graph = function.get_concrete_function().graph
        whole = any(each.type == "MatMul" for each in graph.get_operations())
        return products(function) * (-1 if whole else 1)

    with pytest.raises(ValueError, match="contradict.*idle machine.*2 netw"):
        LatencyTable.measure(
            1, SPACE[1], ("add",), networks=2, timer=disturbed, **SETTING
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"setting": {"filters": 0}}, "`filters`"),
        ({"setting": {"depth": 3}}, "depth"),
        ({"setting": {"conventions": 3}}, "`conventions`"),
        ({"schema": 2}, "`schema`.*Expected 1. Received: 2"),
    ],
)
def test_a_file_of_no_table_is_refused(table, tmp_path, change, message):
    path = tmp_path / "table.json"
    table.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=rf"table\.json: .*{message}"):
        LatencyTable.load(path)


def test_a_file_without_end_is_not_read_whole():
    with pytest.raises(OSError, match="Not a regular file"):
        LatencyTable.load("/dev/zero")


# === A model ===


def test_a_runtime_is_timed_as_it_is_deployed(monkeypatch):
    """With graphs rewritten, though a search tells TensorFlow not to."""
    option, rewritten = "disable_meta_optimizer", []

    @contextlib.contextmanager
    def exported(*arguments):
        options = tf.config.optimizer.get_experimental_options()
        rewritten.append(not options.get(option, False))
        yield int, "1"

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.latency_table.exported", exported
    )
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        measure_latency(small_model(), repeats=1, runtime="saved_model")
    finally:
        tf.config.optimizer.set_experimental_options({option: False})
    assert rewritten == [True]


def small_model(size=4):
    inputs = keras.Input((size, size, 1))
    return keras.Model(inputs, keras.layers.ReLU()(inputs))


def test_latency_is_the_median_of_the_timed_passes():
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0])
    seconds = measure_latency(
        small_model(), repeats=3, warmup=1, clock=lambda: next(clock)
    )
    assert seconds == 3


def test_a_model_of_any_size_needs_one():
    model = small_model(None)
    assert measure_latency(model, repeats=1, input_shape=(4, 4, 1)) > 0
    with pytest.raises(ValueError, match=r"`input_shape`.*\(None, None, 1\)"):
        measure_latency(model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (5, 4, 1)}, "`input_shape`.*(4, 4, 1).*(5, 4, 1)"),
        ({"batch_size": 0}, "`batch_size`.*batch_size=0"),
        ({"repeats": 0}, "`repeats`.*at least 1.*repeats=0"),
        ({"warmup": -1}, "`warmup`.*at least 0.*warmup=-1"),
    ],
)
def test_impossible_measurements_are_refused(arguments, message):
    message = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=message):
        measure_latency(small_model(), **arguments)


def test_a_model_of_several_inputs_is_refused():
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(ValueError, match="one input.*2 inputs"):
        measure_latency(model)
