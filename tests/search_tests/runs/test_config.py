from pathlib import Path

import pytest

from nasnet_keras.console.command_line import InputError
from nasnet_keras.training.recipes import RECIPES
from search.evaluation import EVALUATORS
from search.runs.config import (
    ChildConfig,
    RunConfig,
    create_configuration,
)
from search.runs.create import (
    check_hours,
    create_evaluator,
    create_schedule,
)
from search.runs.identity import check_identity
from search.runs.record import complete_identity
from search.spaces import SPACES
from search.strategies.policy.config import PPOConfig
from search.testing.letter_space import LetterSpace

SCORES = ", ".join(name for name, row in EVALUATORS.items() if not row.trains)


def test_a_configuration_survives_json():
    config = create_configuration(
        {
            "dataset": "digits",
            "trials": 7,
            "space_options": {"combiners": ["add"]},
            "strategy_options": {"minibatch": 5},
            "recipe": {"epochs": 2, "optimizer": "rmsprop"},
            "child": {"train_images": 100},
            "objective": {"max_latency": 0.5, "latency_table": "a.json"},
        }
    )
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert config.child == ChildConfig(train_images=100)
    assert (config.recipe.epochs, config.recipe.optimizer) == (2, "rmsprop")
    assert config.recipe.batch_size == 64


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({}, {"epochs": 3, "drop_path_rate": 0.0}),
        ({"space": "layerwise"}, {"epochs": 3, "drop_path_rate": 0.0}),
        (
            {"recipe": "imagenet-large"},
            {
                "epochs": 3,
                "average_weights": None,
                "auxiliary_weight": 0.0,
                "label_smoothing": 0.1,
                "drop_path_rate": 0.3,
            },
        ),
        (
            {"recipe": {"name": "fine-tune", "epochs": 2}},
            {"epochs": 2, "frozen_epochs": 0, "bn_momentum": 0.9},
        ),
        (
            {"recipe": {"name": "fine-tune"}, "evaluator": "shared"},
            {"bn_momentum": None, "learning_rate": 0.005},
        ),
    ],
)
def test_what_children_do_not_follow_of_a_recipe_is_left_out(settings, values):
    config = create_configuration(settings)
    for name, value in values.items():
        assert getattr(config.recipe, name) == value
    assert create_configuration(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"recipe": {"average_weights": 0.9}},
            "Invalid value for `average_weights`. Expected None: a child of a "
            "search is trained for a short time. Received: 0.9.",
        ),
        (
            {"recipe": RECIPES["cifar"]},
            "Invalid value for `auxiliary_weight`. Expected 0.0: a child of a",
        ),
        (
            {"space": "layerwise", "recipe": {"drop_path_rate": 0.1}},
            "Invalid value for `drop_path_rate`. Expected 0.0: networks given "
            "layer by layer have no paths to drop. Received: 0.1.",
        ),
        (
            {"recipe": "haste"},
            "Invalid value for `recipe`. Expected one of cifar,",
        ),
        ({"recipe": {"name": 3}}, "Invalid value for `recipe`. Expected one"),
        (
            {"trials": 0},
            "Invalid value for `trials`. Input should be greater than or "
            "equal to 1. Received: 0.",
        ),
        (
            {"recipe": {"epochs": "many"}},
            "Invalid value for `recipe.epochs`. Input should be a valid "
            "integer, unable to parse string as an integer. Received: "
            "'many'.",
        ),
        ({"colour": 3}, "Unknown setting `colour`. Expected one of dataset,"),
        (
            {"child": {"layers": 3}},
            "Unknown setting `child.layers`. Expected one of repeats,",
        ),
        (
            {"recipe": {"layers": 3}},
            "Unknown setting `recipe.layers`. Expected one of name, epochs,",
        ),
        (
            {"objective": {"speed": 3}},
            "Unknown setting `objective.speed`. Expected one of reward,",
        ),
        *(
            (
                {"objective": {"reward": "mnasnet", **objective}},
                "The settings disagree. Expected a `cost` and its `target` "
                "with the reward mnasnet.",
            )
            for objective in ({}, {"target": 3}, {"cost": "latency"})
        ),
        (
            {"objective": {"target": 3}},
            "The settings disagree. Expected a `target` with the reward",
        ),
        (
            {"objective": {"reward": "netscore", "cost": "latency"}},
            "The settings disagree. Expected no `cost` with the reward",
        ),
        ({"child": 3}, "Invalid value for `child`. Input should be"),
        (
            {"objective": {"hard": True}},
            "The settings disagree. Expected `hard` with the reward mnasnet",
        ),
        (
            {"objective": {"latency_table": "t", "max_parameters": 3}},
            "The settings disagree. Expected a `latency_table` or a",
        ),
        (
            {
                "objective": {
                    "max_latency": 1,
                    "latency_table": "t",
                    "latency_runtime": "onnx",
                }
            },
            "The settings disagree. Expected either a `latency_table`",
        ),
        (
            {"objective": {"max_latency": 1, "latency_command": "cat"}},
            "The settings disagree. Expected with a `latency_command` as",
        ),
        (
            {"objective": {"max_latency": 1, "latency_int8": True}},
            "The settings disagree. Expected with `latency_int8` as "
            "`latency_runtime` openvino or litert.",
        ),
        (
            {"objective": {"latency_runtime": "coreml"}},
            "Invalid value for `objective.latency_runtime`. Expected keras or",
        ),
        (
            {"objective": {"latency_runtime": "onnx"}},
            "The settings disagree. Expected a `latency_table` or a",
        ),
        (
            {"objective": {"max_latency": float("inf")}},
            "Invalid value for `objective.max_latency`.",
        ),
        (
            {"first_epochs": 2},
            "The settings disagree. Expected `first_epochs` with `halving`",
        ),
        (
            {"halving": 3, "first_epochs": 3},
            "The settings disagree. Expected fewer `first_epochs` (default 1) "
            "than `epochs`, 3, with `halving`.",
        ),
        (
            {"evaluator": "shared", "halving": 3},
            "The settings disagree. Expected no `halving` with the evaluator "
            "shared, whose children cannot train further.",
        ),
        (
            {"strategy_options": {"screen": 2, "scores": ["training"]}},
            f"The settings disagree. Expected some of {SCORES} as `scores` "
            "of a strategy, received ['training'].",
        ),
        (
            {"evaluator": "naswot", "hours": 1},
            "The settings disagree. Expected `trials` in place of `hours` with "
            "the evaluator naswot, whose children cannot train further.",
        ),
        (
            {"strategy": "nsga2", "strategy_options": {"costs": 5}},
            "Invalid value for argument `costs`. Expected names of metrics",
        ),
        (
            {"strategy_options": {"config": PPOConfig.paper()}},
            "Invalid value for `strategy_options`. Expected what JSON "
            "has: texts, numbers, lists and dicts. Received: ",
        ),
        (
            {"strategy": "nsga2", "hours": 1},
            "The settings disagree. Expected no `hours` with the strategy nsga2"
            ", since later stages train the most accurate children alone.",
        ),
        (
            {"strategy": "nsga2", "halving": 3, "recipe": {"epochs": 9}},
            "The settings disagree. Expected no `halving` with the strategy",
        ),
        (
            {
                "strategy": "random",
                "strategy_options": {"screen": 2, "scores": ["naswot"]},
                "hours": 1,
            },
            "The settings disagree. Expected `trials` in place of `hours` with "
            "`scores`, whose seconds no plan counts.",
        ),
        (
            {"space": "nowhere"},
            "Invalid value for argument `space`. Expected one of "
            f"{', '.join(SPACES)}, or",
        ),
        (
            {"space": "no_such_module:nothing"},
            "Invalid value for argument `space`. Expected a module that can",
        ),
        (
            {"space_options": {"layers": 3}},
            "Invalid options for the space 'nasnet'. Expected some of blocks, ",
        ),
        (
            {"evaluator": "guess"},
            "Invalid value for argument `evaluator`. Expected one of "
            f"{', '.join(EVALUATORS)}, or",
        ),
        (
            {"space_options": {"blocks": 11}},
            "Invalid value for argument `blocks`.",
        ),
        (
            {"seed": -1},
            "Invalid value for `seed`. Input should be greater than or equal "
            "to 0. Received: -1.",
        ),
    ],
)
def test_each_bad_setting_is_a_sentence(settings, sentence):
    with pytest.raises(InputError) as caught:
        create_configuration(settings)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("settings", [[], 3, "x", None])
def test_what_is_no_settings_is_a_sentence(settings):
    with pytest.raises(InputError, match="Expected an object of names and"):
        create_configuration(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"space_options": {"a": "x" * 5000}},
        {"space_options": {"blocks": 10**400}},
        {"strategy": "x" * 5000},
        {"seed": 10**400},
        {"recipe": {"epochs": 10**400}},
        {"recipe": {"epochs": 3, "frozen_epochs": 10**400}},
        {"objective": {"max_parameters": 10**400}},
        {"dataset": ["x"] * 5000},
    ],
)
def test_a_message_quotes_a_part_of_what_is_long(settings):
    with pytest.raises(InputError) as caught:
        create_configuration(settings)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).count("Received") == 1


def test_the_number_of_trials_is_no_part_of_the_identity():
    few, many = RunConfig(trials=5), RunConfig(trials=50, keep=1)
    assert few.identity == many.identity
    assert few.identity != RunConfig(trials=5, seed=1).identity


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({}, False),
        ({"strategy": "enas"}, True),
        ({"strategy": "one-shot"}, True),
        ({"strategy": "enas", "evaluator": "training"}, False),
        ({"strategy": "random", "evaluator": "shared"}, True),
    ],
)
def test_strategies_for_shared_weights_have_them(settings, shares):
    assert create_configuration(settings).shares_weights is shares


def test_the_space_has_the_blocks_and_combiners_of_the_configuration():
    options = {"blocks": 3, "combiners": ["add"]}
    space = RunConfig(space_options=options).create_space()
    assert space.describe() == {
        "name": "nasnet",
        "version": 1,
        "blocks": 3,
        "combiners": ["add"],
    }


def test_a_setting_newer_than_a_run_has_its_default():
    identity = RunConfig(seed=3).identity
    older = {**identity, "recipe": {**identity["recipe"]}}
    del older["recipe"]["cutout"], older["halving"]
    assert complete_identity(older) == identity
    assert complete_identity({"colour": 3}) == {"colour": 3}


def test_a_search_needs_data():
    with pytest.raises(InputError, match="Expected a `dataset`.*neither"):
        create_evaluator(RunConfig())


def test_the_first_difference_is_named_with_both_values():
    before = {"config": {"seed": 1, "recipe": {"epochs": 2}}, "lag": 0}
    check_identity(Path("runs/a"), before, before)
    after = {"config": {"seed": 1, "recipe": {"epochs": 5}}, "lag": 4}
    with pytest.raises(InputError) as caught:
        check_identity(Path("runs/a"), before, after)
    assert (
        "runs/a cannot continue: its config.json was edited. Expected "
        "`config.recipe.epochs` as the run began: 2. Received: 5."
    ) in str(caught.value)


@pytest.mark.parametrize(
    ("objective", "limits", "weighed"),
    [
        ({}, {}, ()),
        ({"max_parameters": 9}, {"parameters": 9}, ()),
        (
            {"max_multiply_adds": 8, "max_latency": 0.5, "reward": "netscore"},
            {"multiply_adds": 8, "latency": 0.5},
            ("multiply_adds",),
        ),
        (
            {"reward": "mnasnet", "target": 3, "cost": "parameters"},
            {},
            ("parameters",),
        ),
        ({"cost": "latency"}, {}, ("latency",)),
    ],
)
def test_limits_and_costs_of_the_objective(objective, limits, weighed):
    config = create_configuration({"objective": objective}).objective
    assert config.limits == limits
    assert config.weighed == weighed


def test_a_table_of_latencies_is_found_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = create_configuration(
        {"objective": {"max_latency": 1, "latency_table": "t.json"}}
    )
    assert config.objective.latency_table == tmp_path / "t.json"
    json = config.model_dump(mode="json")
    assert create_configuration(json) == config
    (tmp_path / "loop").symlink_to("loop")
    config = create_configuration(
        {"objective": {"max_latency": 1, "latency_table": "loop"}}
    )
    assert config.objective.latency_table == tmp_path / "loop"


def test_an_objective_is_put_around_any_evaluator(FakeEvaluator):
    evaluator = FakeEvaluator()
    assert create_evaluator(RunConfig(), evaluator) is evaluator
    config = create_configuration({"objective": {"max_parameters": 9}})
    around = create_evaluator(config, evaluator)
    assert around.evaluator is evaluator
    assert around.limits == {"parameters": 9}


def test_the_schedule_follows_from_the_configuration():
    plain = create_schedule(RunConfig(), 1, {})
    assert (plain.total, plain.budgets, plain.begins_anew) == (
        60,
        (None,),
        False,
    )
    config = create_configuration(
        {"halving": 4, "first_epochs": 2, "recipe": {"epochs": 20}}
    )
    assert create_schedule(config, 1, {}).budgets == (2, 8, 20)


def test_hours_need_a_space_of_several_architectures():
    config = create_configuration({"hours": 1})
    check_hours(config, LetterSpace((3,)))
    check_hours(create_configuration({}), LetterSpace((2,)))
    with pytest.raises(InputError, match="`hours`. Expected `trials`"):
        check_hours(config, LetterSpace((2,)))


def test_hours_are_planned_by_themselves():
    config = create_configuration({"hours": 1})
    assert (config.strategy, config.trials) == ("auto", None)
    schedule = create_schedule(config, 2, {"train_images": 4_000})
    assert schedule.begins_anew
    assert schedule.seconds == 3600
    # Of fewer images more epochs, and more in more time.
    assert schedule.budgets[0] == 2
    longer = create_configuration({"hours": 4})
    longer = create_schedule(longer, 2, {"train_images": 4_000})
    assert longer.budgets[0] == 4
    given = create_configuration({"hours": 1, "first_epochs": 0.5})
    assert create_schedule(given, 2, {"train_images": 40}).budgets[0] == 0.5


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"trials": 9}, "`trials` or `hours`"),
        ({"halving": 3}, "`halving` or `hours`"),
        ({"recipe": {"epochs": 9}}, "`first_epochs` in place of `epochs`"),
        ({"evaluator": "shared"}, "`trials` in place of `hours`"),
        ({"hours": 0}, "`hours`"),
        ({"hours": float("nan")}, "`hours`"),
    ],
)
def test_what_hours_leave_no_room_for_is_refused(settings, named):
    with pytest.raises(InputError, match=named):
        create_configuration({"hours": 1, **settings})
