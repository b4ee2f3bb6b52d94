import itertools
import json

import numpy as np
import pytest

from nasnet_keras.architectures import find_kind
from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.kinds.choices import ChoicesKind
from nasnet_keras.network.complexity import genotype_complexity
from search.spaces.nasnet import NASNetSpace

KIND = find_kind("nasnet")
SETTING = {"input_shape": (8, 8, 3), "classes": 10, "repeats": 1, "filters": 2}
SPACE = NASNetSpace(2, operations=["identity", "conv_3x3"])
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


def is_network(function):
    graph = function.get_concrete_function().graph
    return any(each.type == "MatMul" for each in graph.get_operations())


def cell_products(genotype):
    """What `products` finds in the network, but for the stem."""
    cells = genotype_complexity(genotype, **SETTING).multiply_adds
    return cells - 80 * genotype.normal.output_multiple - STEM


def some(count, seed=0, space=SPACE):
    rng = np.random.default_rng(seed)
    return [space.decode(space.sample(rng)) for _ in range(count)]


def measure(samples=None, space=SPACE, **arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "nasnet_keras.deployment.latency.chains.STEPS", 1
        )  # quicker
        return LatencyTable.measure(
            KIND,
            map(space.decode, space.covering()),
            some(2) if samples is None else samples,
            **{"timer": products, **SETTING, **arguments},
        )


def parts_of(table, genotype):
    (part, _), *_ = table.parts
    return part.of_network(KIND, genotype, table.setting)


@pytest.fixture(scope="module")
def measured():
    progress = []
    table = measure(progress=lambda *numbers: progress.append(numbers))
    return table, progress


@pytest.fixture(scope="module")
def table(measured):
    return measured[0]


def test_no_network_takes_less_than_nothing():
    """Nor where the line through those measured says so."""

    def steep(function, *arguments):
        whole = is_network(function)
        return max(0.0, products(function) - whole * 2 * STEM)

    space = NASNetSpace(1, ("add",), SPACE.operations)
    table = measure(some(3, space=space), space, timer=steep)
    assert table.offset == 0 and table.scale > 0


def test_what_adds_up_exactly_is_predicted_exactly(table):
    """Products do, and they are linear in the channels."""
    assert (table.offset, table.scale) == pytest.approx((STEM, 1))
    for genotype in some(20, seed=5):
        expected = STEM + cell_products(genotype)
        assert table.predict(genotype) == pytest.approx(expected)


@pytest.mark.large
def test_two_slow_rounds_of_five_change_nothing(table):
    """All is timed once in each round."""
    calls = itertools.count()
    chains_and_networks = 1 + len(table.parts) + 2

    def slow_at_first(function, *arguments):
        round_ = next(calls) // chains_and_networks
        return products(function) * (10 if round_ < 2 else 1)

    again = measure(timer=slow_at_first)
    assert again.parts == table.parts
    assert (again.offset, again.scale) == (table.offset, table.scale)


def test_channels_beyond_those_measured_are_in_proportion(table):
    (place, *_) = parts_of(table, some(1)[0])
    wide = place.__class__(**{**vars(place), "channels": 1000})
    (key,) = wide.alike
    most = max(
        (part.channels, seconds)
        for part, seconds in table.parts
        if part.alike == (key,)
    )
    assert table.part_seconds(wide) == pytest.approx(most[1] * 1000 / most[0])


def test_a_slower_operation_makes_a_network_slower(table):
    cells = [
        CellSpec((Block((0, 0), (name, "identity")),))
        for name in ("identity", "conv_3x3")
    ]
    fast, slow = (table.predict(Genotype(cell, cell)) for cell in cells)
    assert fast < slow


def test_progress_counts_to_the_total(measured):
    table, progress = measured
    total = (1 + len(table.parts) + 2) * (1 + 5)  # made, and five rounds
    assert progress == [(done, total) for done in range(1, total + 1)]


def test_a_saved_table_predicts_the_same(table, tmp_path):
    path = tmp_path / "table.json"
    table.save(path)
    loaded = LatencyTable.load(path)
    assert loaded == table
    assert loaded.fingerprint == table.fingerprint
    (genotype,) = some(1)
    assert loaded.predict(genotype) == table.predict(genotype)
    lines = path.read_text().splitlines()
    assert sum('"name": "conv_3x3"' in line for line in lines) > 1


def test_a_table_tells_where_it_is_from(table):
    assert set(table.versions) == {"tensorflow", "keras"}
    assert table.machine["processors"] >= 1


def test_another_setting_is_refused(table):
    table.check_setting(**SETTING)
    table.check_setting("nasnet", **SETTING)
    table.check_setting("nasnet")
    # What a recipe asks for does not change a latency.
    table.check_setting(**SETTING, drop_path_rate=0.1, drop_path_steps=9)
    with pytest.raises(ValueError, match="Expected 'filters' 2. Received: 3."):
        table.check_setting(**{**SETTING, "filters": 3})
    with pytest.raises(ValueError, match="'kind' 'nasnet'. Rec.*'mobile'"):
        table.check_setting("mobile", **SETTING)
    with pytest.raises(ValueError, match="'kind' 'nasnet'"):
        table.check_setting("mobile")
    with pytest.raises(ValueError, match="a known height, width and channels"):
        table.check_setting(filters=2)


def test_other_genotypes_are_refused(table):
    pool = CellSpec((Block((0, 1), ("max_pool_3x3", "identity")),))
    with pytest.raises(ValueError, match="other networks.*max_pool_3x3"):
        table.predict(Genotype(pool, pool))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": 0}, "`rounds`.*positive.*rounds=0"),
        ({"samples": []}, "`samples`.*two architectures.*: 0"),
        ({"depth": 3}, "the setting.*repeats.*depth"),
        ({"filters": 0}, "`filters`.*at least 1.*filters=0"),
        ({"input_shape": (None, None, 3)}, "a known height"),
        ({"squeeze_excite": 0.25}, "`squeeze_excite`.*Expected 0"),
    ],
)
def test_arguments_without_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        measure(**arguments)


def test_a_kind_without_parts_is_refused():
    with pytest.raises(ValueError, match="measured one by one.*choices"):
        LatencyTable.measure(ChoicesKind(), [], [1, 2], **SETTING)


@pytest.mark.large
def test_measurements_that_contradict_each_other_are_refused():
    def disturbed(function, *arguments):
        return products(function) * (-1 if is_network(function) else 1)

    with pytest.raises(ValueError, match="contradict.*idle machine.*2 netw"):
        measure(timer=disturbed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "trees"}, "`kind`|kind of arch.*'trees'"),
        ({"kind": "choices"}, "measured one by one.*choices"),
        ({"kind": "mobile"}, "operator"),
        ({"schema_version": 1}, "`schema_version`.*2"),
        ({"scale": 0.0}, "`scale`.*greater than 0"),
        ({"scale": float("nan")}, ""),
        ({"offset": "0"}, "`offset`.*number"),
        ({"offset": -1e-4}, "`offset`.*greater than or equal to 0"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"batch_size": True}, "`batch_size`"),
        ({"setting": []}, "`setting`"),
        ({"setting": {}}, "number of `classes`"),
        ({"setting": {"input_shape": [8, 8], "classes": 1}}, "known height"),
        (
            {
                "setting": {
                    "input_shape": [8, 8, 3],
                    "classes": 1,
                    "conventions": 3,
                }
            },
            "`conventions`",
        ),
        ({"versions": {"keras": 3.0}}, "`versions"),
        ({"parts": []}, "`parts`"),
        ({"parts": [3]}, "`parts`"),
        ({"parts": [[{}, 1.0]]}, "name"),
        ({"parts": {}}, "`parts`"),
        ({"author": "me"}, "author"),
    ],
)
def test_a_file_of_no_table_is_refused(table, tmp_path, change, message):
    path = tmp_path / "table.json"
    path.write_text(json.dumps({**json.loads(table._text), **change}))
    with pytest.raises(
        ValueError, match=rf"table\.json: .*({message})"
    ) as error:
        LatencyTable.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", "conv_9x9", "conv_1x1.*'conv_9x9'"),
        ("name", [], "name"),
        ("height", 0, "height"),
        ("strides", 3, "strides"),
        ("more", 3, "more"),
    ],
)
def test_damage_of_a_part_is_named(table, tmp_path, key, value, message):
    path, content = tmp_path / "table.json", json.loads(table._text)
    content["parts"][0][0][key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as error:
        LatencyTable.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), "1"])
def test_seconds_are_not_below_nothing(table, tmp_path, seconds):
    path, content = tmp_path / "table.json", json.loads(table._text)
    content["parts"][0][1] = seconds
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"table\.json"):
        LatencyTable.load(path)


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "no", "[]", "3", '{"kind": 1, "kind": 1}']
)
def test_other_texts_are_refused(tmp_path, text):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"table\.json: ") as error:
        LatencyTable.load(path)
    assert "\n" not in str(error.value)


def test_a_setting_of_no_network_is_refused(table, tmp_path):
    path = tmp_path / "table.json"
    content = json.loads(table._text)
    path.write_text(
        json.dumps({**content, "setting": {**content["setting"], "filters": 0}})
    )
    with pytest.raises(ValueError, match="`filters`"):
        LatencyTable.load(path).predict(some(1)[0])


def test_a_file_without_end_is_not_read_whole():
    with pytest.raises(OSError, match="Not a regular file"):
        LatencyTable.load("/dev/zero")
