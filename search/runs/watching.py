"""Who watches a run that goes on: `watchers`."""

from collections.abc import Callable, Iterable

from search.observers.base import Callback, Observer
from search.storage.backups import Backups
from search.storage.run_folder import RunDirectory
from search.trial import Trial


def watchers(
    directory: RunDirectory,
    on_trial: Callable[[Trial], object] | None,
    observers: Iterable[Observer],
    tensorboard: bool,
    verbose: bool | None,
) -> list[Observer]:
    """Those of every run first, then those that were asked for; see
    `search.run`."""
    from rich.console import Console

    from nasnet_keras.console.live import is_shown
    from search.observers.display import create_display

    watching = [Backups(directory.database, directory.backup), *observers]
    console = Console()
    if is_shown(verbose, console):
        watching.append(create_display(console))
    if on_trial is not None:
        watching.append(Callback(on_trial))
    if tensorboard:
        from search.observers.tensorboard import TensorBoardObserver

        watching.append(TensorBoardObserver(directory.tensorboard))
    return watching
