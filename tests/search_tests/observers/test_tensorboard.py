import pytest

from search.observers.tensorboard import TensorBoardObserver
from search.trial import Evaluation, Trial, TrialState


def complete(number, reward):
    evaluation = Evaluation(reward, seconds={"build": 1.0, "train": 2.0})
    return Trial(number, (0,), TrialState.COMPLETE, (evaluation,))


def curves(directory):
    import tensorflow as tf

    found = {}
    for file in sorted(directory.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                number = float(tf.make_ndarray(value.tensor))
                found.setdefault(value.tag, []).append((event.step, number))
    return found


def test_a_resumed_search_goes_on_with_its_curves(tmp_path):
    done = [complete(0, 0.5), Trial(1, (1,), TrialState.FAILED)]
    first = TensorBoardObserver(tmp_path)
    first.begin([], 3)
    first.finished(done[0], done[0], {})
    first.finished(done[1], done[0], {"losses/entropy": 7.5})
    first.end()
    second = TensorBoardObserver(tmp_path)
    second.begin(done, 3)
    second.finished(complete(2, 0.25), done[0], {})
    second.end()
    assert curves(tmp_path) == {
        "search/reward": [(0, 0.5), (2, 0.25)],
        "search/best_reward": [(0, 0.5), (2, 0.5)],
        "search/seconds": [(0, 3.0), (2, 3.0)],
        "losses/entropy": [(1, 7.5)],
    }


def test_a_curve_is_on_disk_before_the_search_ends(tmp_path):
    observer = TensorBoardObserver(tmp_path)
    observer.begin([], 3)
    observer.finished(complete(0, 0.5), complete(0, 0.5), {})
    try:
        assert curves(tmp_path)["search/reward"] == [(0, pytest.approx(0.5))]
    finally:
        observer.end()


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    import tensorflow as tf

    observer = TensorBoardObserver(tmp_path)
    observer.begin([], 3)

    def flush():
        raise tf.errors.ResourceExhaustedError(None, None, "No space left\n!")

    monkeypatch.setattr(observer._writer, "flush", flush)
    with pytest.raises(OSError, match="TensorBoard: No space left$"):
        observer.finished(complete(0, 0.5), None, {})


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "tensorboard").touch()
    with pytest.raises(OSError, match="TensorBoard: Not a directory$"):
        TensorBoardObserver(tmp_path / "tensorboard").begin([], 3)


def test_the_name_of_the_folder_may_hold_any_bytes(tmp_path):
    folder = tmp_path / "caf\udce9"
    observer = TensorBoardObserver(folder)
    observer.begin([], 3)
    observer.end()
    assert len(list(folder.iterdir())) == 1
