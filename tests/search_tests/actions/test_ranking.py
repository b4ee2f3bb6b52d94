import json

import pytest
from scipy.stats import kendalltau

from nasnet_keras.console.command_line import InputError
from search.actions.ranking import Ranking, Retrained, ranks_of


def ranking_of(rewards, accuracies):
    children = zip(ranks_of(rewards), rewards, accuracies, strict=True)
    return Ranking.of(
        Retrained(number, reward, rank, accuracy, 4, 10, 1.0)
        for number, (rank, reward, accuracy) in enumerate(children)
    )


def test_equal_ones_share_a_place():
    assert ranks_of([0.5, 0.7, 0.5, 0.1]) == [2, 1, 2, 4]
    assert ranks_of([(4, 0.1), (1, 0.9)]) == [1, 2]
    assert ranks_of([]) == []


def test_the_most_accurate_come_first_and_the_failed_last():
    ranking = ranking_of([0.9, 0.8, 0.7, 0.6], [None, 0.5, 0.0, 0.5])
    assert [child.trial for child in ranking.children] == [1, 3, 2, 0]
    assert ranking.ranks == [1, 1, 3, None]
    assert [child["rank_now"] for child in ranking.to_dict()["children"]] == [
        *(1, 1, 3),
        None,
    ]


def test_an_accuracy_on_few_images_has_its_error():
    (best, failed) = ranking_of([0.9, 0.8], [None, 0.25]).children
    assert best.accuracy_text == "0.25 ± 0.24"
    assert failed.accuracy_text == ""


def test_tau_is_that_of_rewards_and_accuracies():
    rewards, accuracies = [0.9, 0.8, 0.8, 0.6, 0.5], [0.7, 0.9, 0.7, 0.3, 0.5]
    expected = kendalltau(rewards, accuracies).statistic
    assert ranking_of(rewards, accuracies).tau == pytest.approx(expected)


@pytest.mark.parametrize(
    "accuracies", [[0.5, None, None], [0.5, 0.5, 0.5], [None, None, None]]
)
def test_without_an_order_there_is_no_tau(accuracies):
    assert ranking_of([0.9, 0.8, 0.7], accuracies).tau is None


@pytest.mark.parametrize(
    "changed",
    [
        {"trial": "first"},
        {"rank": None},
        {"accuracy": float("nan")},
        {"accuracies": 0.5},
        {"accuracies": ["good", "better"]},
        {"seconds": float("inf")},
    ],
)
def test_values_of_another_kind_are_a_sentence(tmp_path, changed):
    (child,) = ranking_of([0.9], [0.5]).to_dict()["children"]
    path = tmp_path / "ranking.json"
    path.write_text(json.dumps({"children": [child]}))
    assert Ranking.read(path).children == ranking_of([0.9], [0.5]).children
    path.write_text(json.dumps({"children": [{**child, **changed}]}))
    with pytest.raises(InputError, match="is no ranking of `nasnet-search"):
        Ranking.read(path)
