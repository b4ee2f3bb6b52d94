"""`nasnet-search` with children that train nothing: run by test_processes.py
in a process of its own, to interrupt it and to kill it. Workers run this
file's first part too, as spawned processes do.

    python search_scenario.py ARGUMENT...
"""

import os
import sys
import time
import types

import executor_fakes

import search.cli.app
import search.cli.session
import search.runs.create
from search.observers.base import Observer


class Sleeping(executor_fakes.Checksums):
    """The third child and those after it never end; each notes its process."""

    def evaluate(self, child):
        if child.number < 2:
            return super().evaluate(child)
        (child.folder.parent / f"{os.getpid()}.pid").touch()
        time.sleep(600)


class Nothing(Observer):
    def __init__(self, directory):
        pass


tensorboard = types.ModuleType("search.observers.tensorboard")
tensorboard.TensorBoardObserver = Nothing
sys.modules[tensorboard.__name__] = tensorboard
search.cli.session.import_tensorflow = lambda: None
search.runs.create._create_named = lambda config: Sleeping()

if __name__ == "__main__":
    sys.exit(search.cli.app.main())
