import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

import search
from nasnet_keras.architectures import find_kind, read_architecture
from nasnet_keras.console.command_line import InputError
from nasnet_keras.kinds.layerwise import NAS_V1
from search.spaces.layerwise import MAX_FILTERS, LayerwiseSpace
from search.strategies import create_strategy
from search.trial import Evaluation, Trial, TrialState


def samples(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


# === Decisions ===


def test_the_decisions_of_the_paper():
    space = LayerwiseSpace()
    assert f"{space.size:.1e}" == "5.0e+58"
    assert space.size == 64**15 * 2**105
    assert space.groups == 15
    last = [decision for decision in space.decisions if decision.group == 14]
    assert [decision.name for decision in last] == [
        *(f"15/reads_{source}" for source in range(1, 15)),
        *("15/height", "15/width", "15/filters"),
    ]
    assert {decision.choices for decision in last[:14]} == {("no", "yes")}
    assert [decision.numbers for decision in last[14:]] == [
        *[(1, 3, 5, 7)] * 2,
        (24, 36, 48, 64),
    ]
    assert [decision.kind for decision in last] == ["input"] * 14 + [
        "ordered"
    ] * 3


def test_strides_may_be_searched():
    space = LayerwiseSpace(2, strides="searched", filters=(8, 16))
    assert [decision.name for decision in space.decisions[5:]] == [
        *("2/reads_1", "2/height", "2/width"),
        *("2/stride_height", "2/stride_width", "2/filters"),
    ]
    assert space.size == 2 * (4 * 4 * 3 * 3 * 2) ** 2
    architecture = space.decode((0, 1, 2, 0, 1, 1, 3, 2, 0, 1, 0))
    assert space.text(architecture).splitlines() == [
        " 1 = 1x3, 16 / 3x1 (image)",
        " 2 = 7x5, 8 / 1x2 (1)",
        "output = concat(2)",
    ]


def test_the_published_network_is_in_the_space():
    space = LayerwiseSpace()
    decisions = space.encode(NAS_V1)
    assert space.decode(decisions) == NAS_V1
    # No other order of its layers is possible: each reads the one before.
    assert space.canonical(decisions) == decisions
    strided = LayerwiseSpace(strides="searched")
    assert strided.decode(strided.encode(NAS_V1)) == NAS_V1


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        (LayerwiseSpace(14), "14 layers. Received: 15 layers"),
        (LayerwiseSpace(filters=(24, 48)), "filters of layer 1 .*: 36"),
    ],
)
def test_what_is_not_in_the_space_is_refused(space, sentence):
    with pytest.raises(ValueError, match=sentence):
        space.encode(NAS_V1)


def test_other_strides_are_not_in_a_space_of_fixed_ones():
    space = LayerwiseSpace(1, strides="searched")
    architecture = space.decode((0, 0, 2, 0, 0))
    with pytest.raises(ValueError, match="stride_height of layer 1 .*: 3"):
        LayerwiseSpace(1).encode(architecture)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"layers": 0}, "`layers`"),
        ({"layers": 51}, "`layers`"),
        ({"layers": True}, "`layers`"),
        ({"strides": 2}, "`strides`"),
        ({"filters": ()}, "`filters`"),
        ({"filters": (36, 24)}, "`filters`"),
        ({"filters": (24, 24)}, "`filters`"),
        ({"filters": (0, 24)}, "`filters`"),
        ({"filters": "24"}, "`filters`"),
        ({"filters": 24}, "`filters`"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        LayerwiseSpace(**arguments)


# === Canonical form ===


def renumbered(space, decisions, order):
    """The layers in another order, or None if one would come before what it
    reads."""
    slots = len(space._slots)
    rows, start = [], 0
    for number in range(space.layers):
        rows.append(decisions[start : start + number + slots])
        start += number + slots
    changed = []
    for place, layer in enumerate(order):
        row = rows[layer]
        anchors, own = row[: len(row) - slots], row[len(row) - slots :]
        reads = {source for source, read in enumerate(anchors) if read}
        if not reads <= set(order[:place]):
            return None
        changed += [int(before in reads) for before in order[:place]]
        changed += own
    return tuple(changed)


def ways(space, decisions):
    """All ways to number the layers."""
    orders = itertools.permutations(range(space.layers))
    found = (renumbered(space, decisions, order) for order in orders)
    return {way for way in found if way is not None}


def test_features_know_the_graph():
    """Of three layers in a row, three side by side, and one behind two."""
    space = LayerwiseSpace(layers=3, filters=(4,))
    layer = {"kernel_size": [3, 5], "filters": 4, "strides": [1, 1]}
    found = [
        space.features(
            space.encode(
                find_kind("layerwise").from_data(
                    {"layers": [{**layer, "reads": each} for each in reads]}
                )
            )
        )[-8:].tolist()
        for reads in ([[], [1], [2]], [[], [], []], [[], [], [1, 2]])
    ]
    assert found == [
        [3, 6, 12, 6, 2, 1, 1, 1],
        [1, 2, 4, 3, 0, 0, 3, 3],
        [2, 4, 8, 4, 2, 2, 2, 1],
    ]


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_canonical_forgets_numbers(layers):
    """Few kernels, so that there are equal layers."""
    space, rng = LayerwiseSpace(layers), np.random.default_rng(layers)
    for _ in range(30):
        decisions = tuple(
            int(rng.integers(1 if "width" in decision.name else 2))
            for decision in space.decisions
        )
        forms = {space.canonical(way) for way in ways(space, decisions)}
        assert len(forms) == 1
        assert forms <= ways(space, decisions)


def test_canonical_keeps_different_networks_apart():
    """As many forms as there are networks up to numbers, over all networks
    of four layers with two kernels."""
    space = LayerwiseSpace(4, filters=(8,))
    choices = [
        (0, 1)
        if "height" in decision.name or decision.kind == "input"
        else (0,)
        for decision in space.decisions
    ]
    forms, classes = set(), set()
    for decisions in itertools.product(*choices):
        forms.add(space.canonical(decisions))
        classes.add(min(ways(space, decisions)))
    assert len(forms) == len(classes)


def test_equal_layers_that_others_read_apart():
    """A pair of layers after each of seven equal ones, numbered anew."""
    space, rng = LayerwiseSpace(14), np.random.default_rng(0)
    decisions = []
    for number in range(14):
        reads = [int(number >= 7 and number - 7 == each) for each in range(7)]
        anchors = (reads + [0] * 7)[:number]
        decisions += [*anchors, int(number >= 7) * (number % 3), 0, 0]
    forms = set()
    for _ in range(20):
        order = [*rng.permutation(7), *(7 + rng.permutation(7))]
        forms.add(space.canonical(renumbered(space, tuple(decisions), order)))
    assert len(forms) == 1


def test_fifty_equal_layers_take_no_time():
    space = LayerwiseSpace(50)
    decisions = (0,) * len(space.decisions)
    assert space.canonical(decisions) == decisions


# === Searches ===


@pytest.mark.parametrize("layers", [1, 3, 15])
@pytest.mark.one_in(3)
def test_a_controller_learns_it(layers):
    space = LayerwiseSpace(layers, strides="searched")
    strategy = create_strategy("ppo", space, 0, minibatch=4)
    for number in range(8):
        decisions = strategy.ask(number)
        space.check(decisions)
        reward = decisions[-1] / 4
        strategy.tell(
            Trial(number, decisions, TrialState.COMPLETE, (Evaluation(reward),))
        )
    assert strategy.learned == 8
    assert all(map(np.isfinite, strategy.metrics().values()))


def settings(**more):
    return {
        "dataset": "digits",
        "space": "layerwise",
        "space_options": {"layers": 3, "filters": [4, 8]},
        "strategy": "random",
        "trials": 2,
        "recipe": {"epochs": 1},
        "tensorboard": False,
        **more,
    }


@pytest.mark.large
def test_a_search_for_digits_is_exported_and_loaded(tmp_path):
    import keras

    run = search.run(tmp_path / "run", **settings())
    assert [trial.state for trial in run.trials] == [TrialState.COMPLETE] * 2
    run = search.load(tmp_path / "run")
    assert run.config.space_options == {"layers": 3, "filters": [4, 8]}
    output = search.export(run, tmp_path / "best")
    kind, architecture = read_architecture(output / "architecture.json")
    assert kind.name == "layerwise" and architecture == run.architecture
    assert (output / "network.svg").exists()
    model = keras.models.load_model(output / "model.keras")
    metrics = json.loads((output / "metrics.json").read_text())["metrics"]
    assert model.count_params() == metrics["parameters"]
    assert model.output_shape == (None, 10)


def test_what_its_networks_do_not_have_is_refused_before_the_first(tmp_path):
    recipe = {"epochs": 1, "drop_path_rate": 0.1}
    with pytest.raises(InputError, match="Expected 0.0: .* no paths to drop"):
        search.run(tmp_path / "run", **settings(recipe=recipe))
    with pytest.raises(InputError, match="`filters`.*scaled by nothing"):
        search.run(tmp_path / "run", **settings(child={"filters": 8}))


def test_the_kind_has_the_most_filters_of_the_space():
    space = LayerwiseSpace(1, filters=[MAX_FILTERS])
    (layer,) = space.decode((0, 0, 0)).layers
    assert layer.filters == MAX_FILTERS
    with pytest.raises(ValueError, match="from 1 to 10,000.*Received: filters"):
        LayerwiseSpace(1, filters=[MAX_FILTERS + 1])


def test_importing_loads_no_framework():
    code = (
        "import sys, search.spaces.layerwise as layerwise\n"
        "space = layerwise.LayerwiseSpace(2)\n"
        "space.decode((0,) * len(space.decisions))\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
