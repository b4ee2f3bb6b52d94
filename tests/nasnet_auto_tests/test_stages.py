"""What is tried, and for how long: shares and the tuning."""

import dataclasses

import pytest

import nasnet_auto.survey
from nasnet_auto import auto, stages
from nasnet_auto.request import Request
from nasnet_auto.trainings.book import Book
from nasnet_auto.trainings.candidates import (
    SLOW,
    Candidate,
    Row,
    plain_network,
)
from nasnet_auto.trainings.changes import LONGER
from nasnet_keras.training.recipes import RECIPES

HOURS = 0.1


def test_without_pretrained_networks_their_time_goes_to_the_tuning(tmp_path):
    context = stages.Context(
        Request("digits", HOURS, pretrained=False),
        nasnet_auto.survey.survey("digits"),
        Book(tmp_path / "plan.json", {}),
        tmp_path,
    )
    for stage in ("linear probe", "fine-tuning"):
        assert list(stages.STAGES[stage].propose(context)) == []
    shares = stages.shares(context)
    assert shares["tuning"] == pytest.approx(0.85)
    assert sum(shares.values()) == pytest.approx(1 - stages.FINISH)
    (line, _) = stages.plan_lines(context)
    assert "fine-tuning" not in line


def a_context_of_tuning(folder, *rows, hours=HOURS):
    """With a linear probe and a plain network of these accuracies, each of
    ten epochs of a second."""
    context = stages.Context(
        Request("digits", hours),
        nasnet_auto.survey.survey("digits"),
        Book(folder / "plan.json", {}),
        folder,
    )
    plain = dataclasses.replace(
        Candidate(
            "plain network",
            {
                "dataset": "digits",
                "seed": 0,
                "network": plain_network(8),
                "recipe": dataclasses.asdict(
                    dataclasses.replace(RECIPES["search-proxy"], epochs=10)
                ),
            },
        ),
        epoch_seconds=1.0,
    )
    probe = plain.changed("linear probe", frozen_epochs=10)
    stages_of = ("linear probe", probe), ("plain network", plain)
    for (stage, candidate), accuracy in zip(stages_of, rows, strict=True):
        context.book.plan(stage, candidate)
        context.book.add(stage, Row(candidate.name, accuracy=accuracy))
    return context


def tuned(context, accuracies):
    """What the tuning tries where its trainings come to these accuracies."""
    tried = []
    proposals = stages.STAGES["tuning"].propose(context)
    for draft, accuracy in zip(proposals, accuracies, strict=False):
        seconds = stages.training_seconds("tuning", context, draft)
        draft = auto._fitted(draft, seconds, context.survey)
        context.book.plan("tuning", draft)
        context.book.add("tuning", Row(draft.name, accuracy=accuracy))
        tried.append(draft)
    return tried


def test_a_probe_is_tuned_by_the_rate_of_its_classifier(tmp_path):
    context = a_context_of_tuning(tmp_path, 0.9, 0.5)
    tried = tuned(context, [0.5] * 9)
    (lower,) = [each.recipe for each in tried if "rate" in each.name]
    probe = context.book.candidate("linear probe").recipe
    assert lower.learning_rate == probe.learning_rate
    assert lower.frozen_learning_rate < probe.frozen_learning_rate
    assert all(each.is_probe for each in tried)


def test_the_tuning_trains_for_as_many_epochs(tmp_path):
    """As the network that it changes: else the change would look worse."""
    context = a_context_of_tuning(tmp_path, 0.5, 0.9)
    tried = tuned(context, [0.5] * 9)
    names = [each.name.removeprefix("plain network, ") for each in tried]
    assert names == [
        *("higher rate", "mixup", "labels smoothed", "lower rate", "longer"),
        "another seed",
    ]
    *changed, longer, again = [each.recipe.epochs for each in tried]
    assert {*changed, again} == {10}
    assert longer == 10 * LONGER


def test_the_best_is_trained_again_with_another_seed(tmp_path):
    context = a_context_of_tuning(tmp_path, 0.5, 0.9, hours=2)
    *_, longer, again = tuned(context, [0.5, 0.5, 0.5, 0.5, 0.95, 0.9])
    assert again.name == f"{longer.name}, another seed"
    seeds = [each.settings.pop("seed") for each in (longer, again)]
    assert seeds[0] != seeds[1]
    assert longer.settings == again.settings


def test_the_tuning_does_not_go_back(tmp_path):
    """Where a higher rate was better, the lower one is known."""
    context = a_context_of_tuning(tmp_path, 0.5, 0.6)
    higher, *others = tuned(context, [0.9] + [0.5] * 9)
    assert "higher rate" in higher.name
    assert not any("lower rate" in each.name for each in others)


def test_what_is_not_trained_takes_no_time(tmp_path):
    hours = 45 / 0.60 / 3600  # 45 s of tuning
    context = a_context_of_tuning(tmp_path, 0.5, 0.9, hours=hours)
    slow = context.book.candidate("plain network").changed("slow", seed=9)
    context.book.plan("tuning", dataclasses.replace(slow, reason=SLOW))
    assert stages._tuning_left(context, 1) == pytest.approx(45)


def test_the_tuning_keeps_within_its_share(tmp_path):
    hours = 45 / 0.60 / 3600  # 45 s of tuning
    context = a_context_of_tuning(tmp_path, 0.5, 0.9, hours=hours)
    tried = tuned(context, [0.5] * 9)
    assert [each.recipe.epochs for each in tried] == [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("seconds", "name", "epochs"),
    [(56, "longer", 16), (54, "another seed", 10)],
)
def test_longer_is_at_least_half_as_long_again(tmp_path, seconds, name, epochs):
    """With less time than that the same training is repeated in full."""
    hours = seconds / 0.60 / 3600
    context = a_context_of_tuning(tmp_path, 0.5, 0.9, hours=hours)
    *others, last = tuned(context, [0.5] * 9)
    assert [each.recipe.epochs for each in others] == [10, 10, 10, 10]
    assert last.name == f"plain network, {name}"
    assert last.recipe.epochs == epochs
