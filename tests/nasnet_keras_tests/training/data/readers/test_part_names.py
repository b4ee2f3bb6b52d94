import pytest

from nasnet_keras.training.data.readers.part_names import certain, words_of


@pytest.mark.parametrize(
    "name, part, rest",
    [
        ("train", "train", ""),
        ("Training Data", "train", "data"),
        ("seg_test", "test", "seg"),
        ("val2017", "validation", ""),
        ("TrainImages", "train", "images"),
        ("testset", "test", "set"),
        ("train_val", "train", ""),
        ("trainval", "train", ""),
        ("hundred-eval", "validation", "hundred"),
    ],
)
def test_a_word_in_a_name(name, part, rest):
    assert words_of([name]) == {name: (part, rest)}


@pytest.mark.parametrize(
    "name",
    ["trainer", "invalid", "contest", "strain", "train_test", "\u00e4test"],
)
def test_names_without_such_a_word(name):
    assert words_of([name]) == {}


@pytest.mark.parametrize(
    "names, sure",
    [
        ("seg_train seg_test", "seg_train seg_test"),
        ("bullet_train test_tube", ""),
        ("train test_tube", "train"),
        ("bullet_train steam_train", ""),
    ],
)
def test_names_that_are_certain(names, sure):
    assert list(certain(words_of(names.split()))) == sure.split()
