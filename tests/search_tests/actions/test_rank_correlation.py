import json
import math

import pytest
from scipy.stats import kendalltau

import search
from nasnet_keras.console.command_line import InputError
from search.actions.rank_correlation import RankedCell, SharedRanking
from search.runs.create import create_run
from search.storage.run_folder import RunDirectory


def ranking(shared, alone):
    return SharedRanking(
        [
            RankedCell(number, *pair, 100)
            for number, pair in enumerate(zip(shared, alone, strict=True))
        ]
    )


def test_the_same_order_is_one_the_reverse_minus_one():
    alone = [0.9, 0.8, 0.7, 0.6, 0.5]
    same = ranking([0.5, 0.4, 0.3, 0.2, 0.1], alone)
    reverse = ranking([0.1, 0.2, 0.3, 0.4, 0.5], alone)
    for measure in ("kendall", "spearman"):
        assert getattr(same, measure) == pytest.approx((1, 1, 1))
        assert getattr(reverse, measure) == pytest.approx((-1, -1, -1))


def test_the_interval_holds_the_value_and_narrows_with_cells():
    shared = [0.1, 0.4, 0.2, 0.3, 0.6, 0.5, 0.8, 0.7]
    alone = [0.2, 0.3, 0.1, 0.6, 0.5, 0.4, 0.7, 0.8]
    tau = kendalltau(shared, alone).statistic
    few, again, many = (
        ranking(shared * times, alone * times).kendall for times in (1, 1, 8)
    )
    assert few.low < few.value < few.high
    assert few.value == pytest.approx(tau)
    assert many.high - many.low < few.high - few.low
    assert few == again  # not by chance
    assert str(few).startswith(f"{tau:.2f} (")


def test_equal_accuracies_have_no_order():
    assert math.isnan(ranking([0.1] * 4, [0.1, 0.2, 0.3, 0.4]).kendall.value)


def test_a_run_whose_children_are_trained_alone_is_refused(
    tmp_path, FakeEvaluator
):
    run = search.run(
        tmp_path / "run",
        strategy="random",
        trials=2,
        evaluator=FakeEvaluator(),
        tensorboard=False,
    )
    with pytest.raises(InputError, match="has no shared network"):
        search.rank_correlation(run)


def test_a_run_that_has_no_shared_network_yet_is_refused(tmp_path):
    """Before its cells are trained alone."""
    config = search.RunConfig(dataset="digits", strategy="one-shot")
    (tmp_path / "run").mkdir()
    create_run(
        RunDirectory(tmp_path / "run"),
        config,
        {
            "config": config.identity,
            "space": search.NASNetSpace().describe(),
            "evaluator": {},
        },
    )
    with pytest.raises(InputError, match="is not there yet"):
        search.rank_correlation(search.load(tmp_path / "run"))


def test_what_is_not_defined_is_null_in_json():
    equal = ranking([0.1] * 4, [0.1, 0.2, 0.3, 0.4]).to_dict()
    assert equal["kendall"] == {"value": None, "low": None, "high": None}


@pytest.mark.large
def test_cells_are_trained_alone_and_compared(tmp_path):
    run = search.run(
        tmp_path / "run",
        dataset="digits",
        strategy="one-shot",
        trials=2,
        space_options={"blocks": 1},
        recipe={"epochs": 1, "batch_size": 64},
        child={"filters": 2, "train_images": 192, "validation_images": 60},
        tensorboard=False,
    )
    first = search.rank_correlation(run, cells=2)
    more = search.rank_correlation(search.load(tmp_path / "run"), cells=3)
    assert {cell.trial for cell in more.cells} == {0, 1, 2}
    assert set(first.cells) < set(more.cells)
    # The cells of the search are the first random ones, too.
    for trial, cell in zip(
        run.trials,
        sorted(first.cells, key=lambda cell: cell.trial),
        strict=True,
    ):
        assert cell.shared == trial.reward
    written = json.loads((tmp_path / "run/ranked/ranking.json").read_text())
    assert [cell["alone"] for cell in written["cells"]] == sorted(
        (cell.alone for cell in more.cells), reverse=True
    )
    with pytest.raises(InputError, match="trained otherwise"):
        search.rank_correlation(run, cells=3, epochs=2)
