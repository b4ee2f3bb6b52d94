import pytest

from search.trial import Evaluation, Trial


@pytest.mark.parametrize(
    ("reward", "images", "text"),
    [
        (20 / 24, 24, "0.83 ± 0.08"),
        (0.9, 1_000, "0.900 ± 0.010"),
        (0.9, 50_000, "0.900 ± 0.001"),
        (1.0, 24, "1.00 ± 0.04"),
        (0.0, 24, "0.00 ± 0.04"),
        (0.9512, None, "0.9512"),
    ],
)
def test_a_reward_has_the_digits_of_its_error(reward, images, text):
    metrics = {"accuracy": reward}
    if images:
        metrics["validation_images"] = images
    trial = Trial(0, (), evaluations=(Evaluation(reward, metrics),))
    assert trial.reward_text == text


def test_a_reward_that_is_no_accuracy_has_no_such_error():
    metrics = {"accuracy": 0.9, "validation_images": 24}
    trial = Trial(0, (), evaluations=(Evaluation(0.4321, metrics),))
    assert trial.reward_text == "0.4321"
    assert Trial(0, ()).reward_text == ""
