import pytest

from nasnet_keras.deployment.latency.robust_line import robust_line


def test_a_disturbed_point_does_not_turn_the_line():
    xs = [0.0, 1.0, 2.0, 3.0]
    assert robust_line(xs, [1.0, 3.0, 99.0, 7.0]) == (1.0, 2.0)


def test_points_above_each_other_have_no_line():
    with pytest.raises(ValueError, match=r"`xs`.*differ.*\[1.0, 1.0\]"):
        robust_line([1.0, 1.0], [2.0, 3.0])
