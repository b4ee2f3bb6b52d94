import pytest

from search.strategies.argument_checks import check_number


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), -1, 10**30])
def test_a_number_is_no_flag_and_in_its_range(value):
    check_number("rate", 1, least=0)
    with pytest.raises(ValueError, match="`rate`. Expected a number from 0"):
        check_number("rate", value, least=0)
