import json
import math

import pytest

from nasnet_keras.console.command_line import InputError
from search.evaluation.base import Child, EvaluationError, Evaluator, Refusal
from search.evaluation.objective import (
    HARD,
    SOFT,
    ObjectiveEvaluator,
    netscore,
    weighted_product,
)
from search.trial import UNWEIGHED, Evaluation


class Accurate(Evaluator):
    """Half of all images right, at the costs that the architecture says."""

    def __init__(self):
        self.trained = []

    def costs(self, architecture):
        return architecture

    def evaluate(self, child):
        self.trained.append(child)
        budget = child.budget or 9
        return Evaluation(0.5, {"loss": 1.0}, {"train": 2.0}, budget)

    def describe(self):
        return {"data": "images"}

    def build(self, architecture):
        return f"a network of {architecture}"


@pytest.mark.parametrize(
    ("cost", "exponents", "expected"),
    [
        (100, SOFT, 0.5),
        (100, HARD, 0.5),
        (50, SOFT, 0.5 * 2**0.07),
        (50, HARD, 0.5),
        (200, SOFT, 0.5 * 2**-0.07),
        (200, HARD, 0.25),
    ],
)
def test_mnasnets_objective(cost, exponents, expected):
    """Table and figure 3 of the paper: at twice the target, the soft one
    takes 5 % of the accuracy, the hard one half of it."""
    assert weighted_product(0.5, cost, 100, exponents) == pytest.approx(
        expected
    )


def test_netscore_by_hand():
    # 20 log10(50 ** 2 / sqrt(4 * 100)) = 20 log10(125)
    assert netscore(0.5, 4e6, 100e6) == pytest.approx(20 * math.log10(125))
    assert netscore(0.0, 4e6, 100e6) == 0
    assert netscore(0.5, 1e6, 100e6) > netscore(0.5, 4e6, 100e6)


def test_the_objective_takes_the_accuracys_place(tmp_path):
    evaluator = ObjectiveEvaluator(
        Accurate(), "mnasnet", "parameters", target=100, exponents=HARD
    )
    child = Child(0, {"parameters": 200}, 3, 4.0, tmp_path)
    evaluation = evaluator.evaluate(child)
    assert evaluation.reward == 0.25
    assert evaluation.metrics == {
        "accuracy": 0.5,
        "loss": 1.0,
        "parameters": 200,
        UNWEIGHED: 0.5,
    }
    assert evaluation.budget == 4
    assert set(evaluation.seconds) == {"costs", "train"}
    assert evaluator.evaluator.trained == [child]


def test_netscore_takes_parameters_and_multiply_adds():
    evaluator = ObjectiveEvaluator(Accurate(), "netscore")
    costs = {"multiply_adds": 100e6, "parameters": 4e6}
    assert evaluator.evaluate(Child(0, costs)).reward == netscore(
        0.5, 4e6, 100e6
    )


def test_what_costs_too_much_is_refused_before_it_is_trained():
    evaluator = ObjectiveEvaluator(
        Accurate(), limits={"parameters": 100, "multiply_adds": 1000}
    )
    costs = {"parameters": 100, "multiply_adds": 1000}
    assert evaluator.evaluate(Child(0, costs)).reward == 0.5
    for name in costs:
        with pytest.raises(
            Refusal, match=f"{name}: .*1, above the limit of 10"
        ):
            evaluator.evaluate(Child(0, {**costs, name: costs[name] + 1}))
    assert len(evaluator.evaluator.trained) == 1
    assert issubclass(Refusal, EvaluationError)


def test_latency_is_measured_on_the_network_where_it_is_asked_for(monkeypatch):
    measured = []

    def measure(model, runtime, command, int8):
        measured.append(model)
        return 0.02

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.measurement.measure_latency", measure
    )
    plain = ObjectiveEvaluator(Accurate(), limits={"parameters": 9})
    assert "latency" not in plain.evaluate(Child(0, {"parameters": 1})).metrics
    assert not measured
    limited = ObjectiveEvaluator(Accurate(), limits={"latency": 0.01})
    with pytest.raises(
        Refusal, match="latency: 0.02 s, above the limit of 0.01 s"
    ):
        limited.evaluate(Child(0, {"parameters": 1}))
    weighed = ObjectiveEvaluator(Accurate(), "mnasnet", "latency", 0.02)
    evaluation = weighed.evaluate(Child(0, {"parameters": 1}))
    assert evaluation.metrics["latency"] == 0.02
    assert evaluation.reward == 0.5
    assert measured == ["a network of {'parameters': 1}"] * 2


def test_the_latency_of_what_builds_no_network_is_a_sentence():
    class Score(Accurate):
        build = Evaluator.build

    limited = ObjectiveEvaluator(Score(), limits={"latency": 0.01})
    with pytest.raises(InputError, match="latency .* Received: Score, which"):
        limited.evaluate(Child(0, {"parameters": 1}))


def test_it_is_described_by_what_it_wraps():
    evaluator = ObjectiveEvaluator(Accurate(), "netscore")
    assert json.loads(json.dumps(evaluator.describe())) == {"data": "images"}
    assert evaluator.build("cells") == "a network of cells"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "mnasnet", "cost": "latency"}, "`target`.*None"),
        ({"objective": "mnasnet", "target": 3}, "`cost`.*cost=None"),
        ({"objective": "speed"}, "`objective`.*mnasnet.*'speed'"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        ObjectiveEvaluator(Accurate(), **arguments)


def test_a_child_that_goes_on_is_not_refused_any_more(tmp_path):
    evaluator = ObjectiveEvaluator(Accurate(), limits={"parameters": 9})
    with pytest.raises(Refusal, match="above the limit of 9"):
        evaluator.evaluate(Child(0, {"parameters": 10}))
    assert evaluator.evaluate(Child(0, {"parameters": 10}, goes_on=True))
    # Nor one that was broken off.
    begun = Child(0, {"parameters": 10}, folder=tmp_path)
    begun.weights.touch()
    assert evaluator.evaluate(begun)


def test_an_evaluator_that_does_not_tell_a_cost_is_named():
    evaluator = ObjectiveEvaluator(Accurate(), limits={"parameters": 9})
    with pytest.raises(InputError, match="tell the parameters.*Accurate.*none"):
        evaluator.evaluate(Child(0, {}))


@pytest.fixture
def table(monkeypatch):
    """Stands for the file `table.json`."""

    class Table:
        batch_size = 1
        fingerprint = "abc"
        checked = None

        def predict(self, architecture):
            return architecture["parameters"] / 1000

        def check_setting(self, kind, **setting):
            self.checked = kind, setting

    loaded = Table()
    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.latency_table.LatencyTable.load",
        lambda path: loaded,
    )
    return loaded


def test_latency_in_the_runtime_of_an_export(monkeypatch):
    calls = []

    def measure(model, runtime, command, int8):
        calls.append((model, runtime, command, int8))
        return 0.03

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.measurement.measure_latency", measure
    )
    evaluator = ObjectiveEvaluator(
        Accurate(), limits={"latency": 1}, latency_runtime="saved_model"
    )
    assert evaluator.costs({"parameters": 1})["latency"] == 0.03
    network = "a network of {'parameters': 1}"
    assert calls == [(network, "saved_model", None, False)]
    phone = ObjectiveEvaluator(
        Accurate(),
        limits={"latency": 1},
        latency_runtime="saved_model",
        latency_command="cat",
    )
    assert phone.costs({"parameters": 1})["latency"] == 0.03
    assert calls[1:] == [(network, "saved_model", "cat", False)]
    pytest.importorskip("ai_edge_litert", reason="LiteRT is an extra")
    small = ObjectiveEvaluator(
        Accurate(),
        limits={"latency": 1},
        latency_runtime="litert",
        latency_int8=True,
    )
    assert small.costs({"parameters": 1})["latency"] == 0.03
    assert calls[2:] == [(network, "litert", None, True)]
    with pytest.raises(ValueError, match="not written in int8"):
        ObjectiveEvaluator(
            Accurate(), latency_runtime="saved_model", latency_int8=True
        )
    with pytest.raises(ValueError, match="`latency_command`.*no_such_program"):
        ObjectiveEvaluator(Accurate(), latency_command="no_such_program")
    with pytest.raises(ValueError, match="`format`.*Received: format='coreml'"):
        ObjectiveEvaluator(Accurate(), latency_runtime="coreml")


def test_a_network_that_the_runtime_cannot_take_fails_alone(
    monkeypatch, tmp_path
):
    def measure(model, runtime, command, int8):
        if "{'parameters': 1}" in model:
            raise ValueError("No such operation: Igamma.")
        return 0.03

    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.measurement.measure_latency", measure
    )
    program = tmp_path / "phone"
    program.touch(0o755)
    evaluator = ObjectiveEvaluator(
        Accurate(),
        limits={"latency": 1},
        latency_runtime="saved_model",
        latency_command=str(program),
    )
    child = Child(0, {"parameters": 1})
    with pytest.raises(
        EvaluationError, match="cannot be measured: No such operation: Igamma.$"
    ) as error:
        evaluator.evaluate(child)
    assert not isinstance(error.value, Refusal)
    assert not evaluator.evaluator.trained
    assert evaluator.evaluate(Child(1, {"parameters": 2})).reward == 0.5
    # What all children lack ends the search.
    program.unlink()
    with pytest.raises(ValueError, match="`latency_command`"):
        evaluator.evaluate(child)


def test_a_runtime_that_is_not_installed_is_refused_first(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs .*nasnet-keras\[export\]"):
        ObjectiveEvaluator(
            Accurate(), limits={"latency": 1}, latency_runtime="litert"
        )


def test_latency_is_predicted_by_a_table(table):
    evaluator = ObjectiveEvaluator(
        Accurate(), "mnasnet", "latency", 0.1, HARD, latency_table="t"
    )
    evaluation = evaluator.evaluate(Child(0, {"parameters": 200}))
    assert evaluation.metrics["latency"] == 0.2
    assert evaluation.reward == 0.25
    assert evaluator.describe() == {"data": "images", "latency": "abc"}


def test_a_table_must_be_of_the_networks_that_are_trained(table):
    class Trains(Accurate):
        def describe(self):
            network = {
                "input_shape": [8, 8, 3],
                "classes": 10,
                "repeats": 1,
                "filters": 4,
                "drop_path_rate": 0.1,
                "drop_path_steps": 9,
            }
            return {"network": network}

    ObjectiveEvaluator(Trains(), "accuracy", latency_table="t", kind="nasnet")
    kind, setting = table.checked
    assert kind == "nasnet"
    assert setting == Trains().describe()["network"]


def test_a_table_of_several_images_in_a_pass_is_refused(table):
    table.batch_size = 4
    with pytest.raises(ValueError, match="seconds of one image.*4 images"):
        ObjectiveEvaluator(Accurate(), latency_table="t")
