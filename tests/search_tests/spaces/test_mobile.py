import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import search
from nasnet_keras.architectures import read_architecture
from nasnet_keras.kinds.mobile import (
    MNASNET_A1,
    MNASNET_B1,
    MOBILENET_V2,
)
from nasnet_keras.kinds.mobile.network import Plan
from nasnet_keras.training.recipes import RECIPES
from search.spaces.mobile import MAX_WIDTH, REFERENCES, MobileSpace
from search.strategies import create_strategy
from search.trial import Evaluation, Trial, TrialState
from search.views.report.page import write_report


def samples(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


# === Decisions ===


def test_the_decisions_of_the_paper():
    """432 choices a block, of which a block of one layer has 288."""
    space = MobileSpace()
    assert space.size == 288**2 * 432**5
    assert space.groups == 7
    second = [each for each in space.decisions if each.group == 1]
    assert [each.name for each in second] == [
        *("2/operator", "2/kernel_size", "2/squeeze_ratio", "2/skip"),
        *("2/filters", "2/layers"),
    ]
    ordered = {
        each.name: each.numbers for each in second if each.kind == "ordered"
    }
    assert ordered == {
        "2/kernel_size": (3, 5),
        "2/squeeze_ratio": (0, 0.25),
        "2/filters": (0.75, 1, 1.25),
        "2/layers": (-1, 0, 1),
    }
    assert space.decisions[5].choices == ("0", "1")


def test_the_reference_is_in_the_space():
    for stem, same in (
        ("imagenet", MOBILENET_V2),
        ("cifar", MOBILENET_V2.for_small_images()),
    ):
        space = MobileSpace(stem=stem)
        assert space.reference == same
        assert space.decode(space.encode(same)) == same


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_published_network_may_be_the_reference(reference):
    space = MobileSpace(reference, stem="imagenet", kernels=(3, 5, 7))
    assert space.reference == REFERENCES[reference]
    for decisions in (space.encode(space.reference), *samples(space, 3)):
        assert space.encode(space.decode(decisions)) == decisions


def test_all_layers_may_have_another_activation():
    space = MobileSpace(activation="hard_swish")
    (decisions,) = samples(space, 1)
    assert space.decode(decisions).activation == "hard_swish"
    assert space.describe()["activation"] == "hard_swish"
    assert MobileSpace().decode(decisions).activation == "relu6"


def test_width_multiplies_the_filters():
    space = MobileSpace(width=0.5)
    filters = [block.filters for block in space.reference.blocks]
    assert filters == [8, 12, 16, 32, 48, 80, 160]
    assert space.reference.stem_filters == 16
    assert space.reference.head_filters == 1280
    assert MobileSpace(width=2).reference.head_filters == 2560
    # Where 1 and 1.25 times the filters are the same, it is one choice.
    narrow = MobileSpace(width=0.1)
    assert narrow.decisions[4].choices == ("0.75", "1")
    for decisions in samples(narrow, 20):
        assert narrow.encode(narrow.decode(decisions)) == decisions


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_widest_space_has_networks(reference):
    space = MobileSpace(reference, width=MAX_WIDTH)
    widest = tuple(len(each.choices) - 1 for each in space.decisions)
    head = REFERENCES[reference].head_filters
    assert space.decode(widest).head_filters == MAX_WIDTH * head


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        (MNASNET_A1, "the stem, the head, the activation and the strides"),
        (replace(MOBILENET_V2, stem_strides=1), "the stem"),
        (
            replace(MOBILENET_V2, blocks=MOBILENET_V2.blocks[:-1]),
            "strides of 7 blocks",
        ),
        (
            replace(MNASNET_B1, activation="relu6"),
            "filters of block 6 one of 120, 160, 200. Received: 192",
        ),
        (
            replace(
                MOBILENET_V2,
                blocks=(
                    replace(MOBILENET_V2.blocks[0], kernel_size=7),
                    *MOBILENET_V2.blocks[1:],
                ),
            ),
            "kernel_size of block 1 one of 3, 5. Received: 7",
        ),
    ],
)
def test_what_is_not_in_the_space_is_refused(architecture, sentence):
    with pytest.raises(ValueError, match=sentence):
        MobileSpace(stem="imagenet").encode(architecture)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"reference": "resnet"}, "reference"),
        ({"reference": 3}, "reference"),
        ({"width": 0}, "width"),
        ({"width": "1"}, "width"),
        ({"width": MAX_WIDTH + 0.1}, "width"),
        ({"width": float("nan")}, "width"),
        ({"stem": "mnist"}, "stem"),
        ({"kernels": ()}, "kernels"),
        ({"kernels": (5, 3)}, "kernels"),
        ({"kernels": (3, 3)}, "kernels"),
        ({"kernels": 3}, "kernels"),
        ({"kernels": (3.0,)}, "kernels"),
        ({"blocks": 0}, "blocks"),
        ({"blocks": 8}, "blocks"),
        ({"activation": "tanh"}, "activation"),
        ({"activation": ["relu"]}, "activation"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received: {named}="):
        MobileSpace(**arguments)


# === Canonical form and features ===


def test_a_skip_that_adds_nothing_is_none():
    """By what the built layers do."""
    space, found = MobileSpace(width=0.25, blocks=3), set()
    for decisions in samples(space, 12):
        architecture = space.decode(decisions)
        skips = {}
        for planned in Plan(architecture, (16, 16, 3), 3, {}).layers:
            layer = planned.layer_class(
                **planned.arguments, skip=planned.block.skip
            )
            layer.build((None, 8, 8, planned.channels))
            number = architecture.blocks.index(planned.block)
            skips[number] = skips.get(number, False) or layer.skips
        form = space.decode(space.canonical(decisions))
        for number, block in enumerate(architecture.blocks):
            expected = block.skip if skips[number] else "none"
            assert form.blocks[number].skip == expected
            found.add((block.skip, expected))
    assert len(found) == 5


def test_features_tell_where_a_choice_is_taken():
    space = MobileSpace(width=0.25)
    first = space.encode(space.reference)
    for position, decision in enumerate(space.decisions):
        if "skip" in decision.name:
            continue
        other = list(first)
        other[position] = (first[position] + 1) % len(decision.choices)
        same = np.array_equal(
            space.features(first), space.features(tuple(other))
        )
        assert not same, decision.name


# === Searches ===


def test_a_controller_learns_it():
    space = MobileSpace(blocks=2)
    strategy = create_strategy("ppo", space, 0, minibatch=4)
    for number in range(8):
        decisions = strategy.ask(number)
        space.check(decisions)
        evaluation = Evaluation(decisions[-1] / 4)
        strategy.tell(
            Trial(number, decisions, TrialState.COMPLETE, (evaluation,))
        )
    assert strategy.learned == 8


def settings(**more):
    return {
        "dataset": "digits",
        "space": "mobile",
        "space_options": {"width": 0.25, "blocks": 3},
        "strategy": "random",
        "trials": 2,
        "recipe": {"epochs": 1},
        "tensorboard": False,
        **more,
    }


@pytest.mark.large
def test_a_search_is_exported_retrained_and_reported(tmp_path):
    import keras

    objective = {"reward": "mnasnet", "cost": "multiply_adds", "target": 1e6}
    run = search.run(tmp_path / "run", **settings(objective=objective))
    assert [trial.state for trial in run.trials] == [TrialState.COMPLETE] * 2
    run = search.load(tmp_path / "run")
    output = search.export(run, tmp_path / "best")
    kind, architecture = read_architecture(output / "architecture.json")
    assert kind.name == "mobile" and architecture == run.architecture
    assert (output / "network.svg").exists()
    model = keras.models.load_model(output / "model.keras")
    assert model.output_shape == (None, 10)
    assert run.space.encode(architecture) in [
        trial.decisions for trial in run.trials
    ]
    recipe = replace(RECIPES["search-proxy"], epochs=1)
    ranking = search.retrain(run, recipe, top=1)
    assert len(ranking.children) == 1
    page = write_report([run], tmp_path / "report.html").read_text()
    assert "inverted residual" in page and "layers (" in page


def test_importing_loads_no_framework():
    code = (
        "import sys, search.spaces.mobile as mobile\n"
        "space = mobile.MobileSpace('mnasnet_a1')\n"
        "space.canonical((0,) * len(space.decisions))\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
