import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasnet_keras.training.data.sampling import count_of, stratified

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)


@given(LABELS, st.integers(0, 2**32), st.data())
def test_sample_is_in_proportion_and_grows(labels, seed, data):
    count = data.draw(st.integers(0, len(labels)))
    sample = stratified(labels, count, seed)
    assert len(sample) == count
    assert (np.diff(sample) > 0).all()
    assert set(sample) <= set(stratified(labels, len(labels), seed))
    shares = np.bincount(labels) * count / len(labels)
    taken = np.bincount(labels[sample], minlength=len(shares))
    # Rounding to the nearest, give or take who gets the last one.
    assert (abs(taken - shares) <= 1.5).all()
    if count:
        assert set(stratified(labels, count - 1, seed)) < set(sample)


@pytest.mark.parametrize(
    "value, expected", [(1, 1), (50, 50), (0.1, 5), (0.25, 12), (0.99, 50)]
)
def test_count_of(value, expected):
    assert count_of(value, 50, "images") == expected


@pytest.mark.parametrize("value", [0, -1, 51, 0.0, 1.0, 0.001, True, "5"])
def test_count_of_refuses(value):
    with pytest.raises(ValueError, match="argument `images`"):
        count_of(value, 50, "images")
