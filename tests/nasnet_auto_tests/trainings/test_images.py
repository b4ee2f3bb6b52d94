from types import SimpleNamespace

from nasnet_auto.trainings import images
from nasnet_auto.trainings.images import LoadedImages


def test_images_are_read_once_and_timed(monkeypatch):
    """Of one size at a time."""
    clock, read = [0.0], []

    def load_data(settings):
        clock[0] += 7.0
        read.append(settings)
        return object()

    monkeypatch.setattr(images, "load_data", load_data)
    monkeypatch.setattr(
        images, "time", SimpleNamespace(perf_counter=lambda: clock[0])
    )
    small, large = (
        SimpleNamespace(network={"input_shape": [side, side, 3]})
        for side in (32, 64)
    )
    loaded = LoadedImages()
    assert loaded.reading([32, 32, 3], 5.0) == 5.0
    assert loaded.of(small) is loaded.of(small)
    assert (read, loaded.seconds) == ([small], 7.0)
    assert loaded.reading([32, 32, 3], 5.0) == 0.0
    assert loaded.reading([64, 64, 3], 5.0) == 5.0
    loaded.of(large)
    assert loaded.reading([32, 32, 3], 5.0) == 7.0
    assert loaded.seconds == 14.0
