import pytest

from nasnet_keras.console.accuracy import accuracy_text, standard_error


@pytest.mark.parametrize("right", [0, 1])
def test_one_image_says_little(right):
    assert standard_error(right, 1) > 0.4
    assert accuracy_text(right, 1) == f"{right}.00 ± 0.47"


def test_many_images_say_what_the_binomial_does():
    assert standard_error(0.8, 10_000) == pytest.approx(0.004, rel=1e-3)
    assert accuracy_text(0.8, 10_000) == "0.800 ± 0.004"
