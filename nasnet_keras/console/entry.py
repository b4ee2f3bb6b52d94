"""How a command begins and how it ends by Ctrl-C, which is met from the first
moment, while what the command consists of is imported.

Neither Keras nor TensorFlow is imported here.
"""

import importlib
import os
import signal
import sys

INTERRUPTED = 130


def start(module: str) -> int:
    """Imports a module and calls its `main`, a command line; returns the exit
    code."""
    signal.signal(signal.SIGINT, _interrupted)
    _open_streams()
    main = importlib.import_module(module).main
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = int(main())
    except KeyboardInterrupt:  # The command has not begun, or has ended.
        _interrupted()
        raise
    if code == INTERRUPTED:
        _end()
    return code


def _open_streams() -> None:
    """Has something where a standard stream was closed, or else a file of
    the command would take its place, and the lines of others."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")


def _interrupted(*signalled: object) -> None:
    sys.stderr.write("Interrupted.\n")
    _end()


def _end() -> None:
    """Ends the process at once. Python would end it by a signal where it has
    seen an interrupted import, though that was met."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
