import re

import pytest

from search.views.report.charts import MAX_DOTS, Axis, Chart, Curve


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 60], ["0", "20", "40", "60"]),
        ([0.21, 0.33], ["0.20", "0.25", "0.30", "0.35"]),
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([7e5, 1.9e6], ["500k", "1M", "1.5M", "2M"]),
        ([3e-4, 5e-4], ["0.00030", "0.00035", "0.00040", "0.00045", "0.00050"]),
        ([0.5, 0.5], ["0.45", "0.50", "0.55"]),
        ([0.0], ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
    ],
)
def test_an_axis_has_round_ticks_around_the_values(values, texts):
    axis = Axis.around("cost", values)
    assert [text for _, text in axis.marks] == texts
    percents = [axis.percent(value) for value in values]
    assert min(percents) >= 0
    assert max(percents) <= 100
    percents = [place for place, _ in axis.marks]
    assert (percents[0], percents[-1]) == (0, 100)


@pytest.mark.parametrize("difference", [1e-16, 1e-8])
def test_values_that_hardly_differ_have_an_axis(difference):
    axis = Axis.around("reward", [0.5, 0.5 + difference])
    assert 0 <= axis.percent(0.5) <= 100
    assert len(set(axis.ticks)) == len(axis.ticks)


def chart_of(curve):
    return Chart.of("x", "y", [curve])


def test_a_point_is_placed_from_the_upper_left_corner():
    chart = chart_of(Curve("", [(0.0, 0.0), (10.0, 1.0), (5.0, 0.25)], []))
    assert chart.percents((0.0, 0.0)) == (0, 100)
    assert chart.percents((10.0, 1.0)) == (100, 0)
    assert chart.percents((5.0, 0.25)) == (50, 75)


def test_paths():
    curve = Curve("", [(0.0, 0.0), (10.0, 1.0)], [(0.0, 0.0), (5.0, 1.0)])
    chart = chart_of(curve)
    assert chart.dots_path(curve) == "M0 100h0M100 0h0"
    assert chart.steps_path(curve) == "M0 100H50V0"
    assert chart.steps_path(Curve("", [(0.0, 0.0)], [])) == ""


@pytest.mark.parametrize("count", [MAX_DOTS, MAX_DOTS + 1, 10 * MAX_DOTS])
def test_of_many_dots_some_are_drawn(count):
    curve = Curve("", [(float(n), 0.0) for n in range(count)], [])
    chart = chart_of(curve)
    drawn = len(re.findall("M", chart.dots_path(curve)))
    assert MAX_DOTS / 2 <= drawn <= MAX_DOTS
    assert chart.thinned is (count > MAX_DOTS)
