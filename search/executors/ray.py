"""Evaluation on a Ray cluster: https://docs.ray.io.

Ray comes with `pip install nasnet-keras[ray]`.
"""

import contextlib
import dataclasses
import importlib
import math
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.quotation import quoted
from search.evaluation.base import Child, Evaluator
from search.executors.base import attempt, freeze_garbage
from search.executors.pool import (
    Message,
    PoolExecutor,
    Ready,
    Worker,
    WorkerDied,
    portable,
)
from search.storage.run_folder import weights_file


class RayExecutor(PoolExecutor):
    """Evaluates children in actors of a Ray cluster, whose machines may join
    and leave while the search runs.

    An actor asks for as many CPUs as a child has threads, 1 if that is not
    known, and where the cluster has GPUs for one, or for a part of one if
    there are more workers than GPUs. Ray starts it where these are free, now
    or later.

    The machines need nasnet-keras and the data set, each its own, but no
    common file system: a child's weights travel with the child and with its
    outcome.

    Raises:
        ValueError: Ray is not installed, or no cluster answers.
    """

    def _set_up(self) -> None:
        super()._set_up()
        self._ray = _import_ray()
        self._processors = self.threads or 1
        # A user's own connection stays when the search ends.
        self._connected = not self._ray.is_initialized()
        if self._connected:
            self._connect(self.settings.address or "local")

    def _connect(self, address: str) -> None:
        tell_activity("connecting to Ray")
        on_sigterm = signal.getsignal(signal.SIGTERM)
        # A cluster that begins here has room for all workers.
        processors = self.settings.workers * self._processors
        try:
            self._ray.init(
                address,
                num_cpus=processors if address == "local" else None,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except ConnectionError:
            raise ValueError(
                "Invalid value for argument `address`. Expected a Ray cluster "
                "that answers, to the token in RAY_AUTH_TOKEN if it asks for "
                f"one. Received: address={quoted(address)}."
            ) from None
        finally:
            # Ray puts its own in place, which ends the process.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, on_sigterm)
        tell_activity("waiting for the first worker")

    def close(self) -> None:
        super().close()
        if self._connected:
            self._ray.shutdown()

    def _start(self, slot: int) -> Worker:
        gpus = self._ray.cluster_resources().get("GPU", 0)
        share = 1 / math.ceil(self.settings.workers / gpus) if gpus else 0
        actor_class = self._ray.remote(_Actor).options(
            num_cpus=self._processors,
            num_gpus=share,
            max_restarts=0,
            max_task_retries=0,
        )
        actor = actor_class.remote(self.create_evaluator)
        return _RayWorker(self._ray, actor)

    def _wait(
        self, handles: Sequence[Any], timeout: float | None
    ) -> Collection[Any]:
        ready, _ = self._ray.wait(list(handles), timeout=timeout)
        return ready


class _RayWorker(Worker):
    def __init__(self, ray: Any, actor: Any) -> None:
        super().__init__()
        self._ray = ray
        self._actor = actor
        self.handle = actor.begin.remote()

    def send(self, child: Child) -> None:
        weights = None
        if child.weights is not None and child.is_begun:
            weights = child.weights.read_bytes()
        self.handle = self._actor.evaluate.remote(child, weights)

    def receive(self) -> Message:
        try:
            message, weights = self._ray.get(self.handle)
        except self._ray.exceptions.RayError as error:
            last = str(error).strip().rpartition("\n")[2].rstrip(".")
            raise WorkerDied(f"{type(error).__name__}: {last}") from error
        self.handle = None
        if weights is not None and self.child and self.child.weights:
            _replace(self.child.weights, weights)
        return message

    def kill(self) -> None:
        self._ray.kill(self._actor)


class _Actor:
    """What runs on a machine of the cluster.

    It answers with a message, and with what the file of weights then holds.
    """

    def __init__(self, create_evaluator: Callable[[], Evaluator]) -> None:
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        self._create_evaluator = create_evaluator

    def begin(self) -> tuple[Message, None]:
        try:
            self._evaluator = self._create_evaluator()
            freeze_garbage()
            return Ready(
                self._evaluator.describe(), self._evaluator.notes
            ), None
        except Exception as error:
            return portable(error), None

    def evaluate(
        self, child: Child, weights: bytes | None
    ) -> tuple[Message, bytes | None]:
        if child.folder is None:
            return self._attempt(child), None
        with tempfile.TemporaryDirectory() as folder:
            here = dataclasses.replace(child, folder=Path(folder))
            file = weights_file(Path(folder), child.number)
            if weights is not None:
                file.write_bytes(weights)
            message = self._attempt(here)
            with contextlib.suppress(FileNotFoundError):
                weights = file.read_bytes()
        return message, weights

    def _attempt(self, child: Child) -> Message:
        try:
            return attempt(self._evaluator, child)
        except Exception as error:
            return portable(error)


def _import_ray() -> Any:
    # Ray would report to its makers how it is used.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise ValueError(
            "Invalid value for argument `executor`. Expected one whose library "
            "is installed; install Ray by `pip install 'nasnet-keras[ray]'`. "
            "Received: executor='ray'."
        ) from None


def _replace(path: Path, content: bytes) -> None:
    """Writes a file; it is there in whole or as it was."""
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    draft.replace(path)
