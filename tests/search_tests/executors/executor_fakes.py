"""Evaluators that workers can make: imported by its name, since they are
other processes, by `conftest.py` and by what `search_scenario.py` runs."""

import os
import signal
import time
import zlib

from nasnet_keras.console.activity import tell_activity
from search.evaluation.base import EvaluationError, Evaluator, Refusal
from search.trial import Evaluation


class Obedient(Evaluator):
    """An architecture says what becomes of it: a word and its argument."""

    notes = ("Nothing was read.",)

    def evaluate(self, child):
        word, argument = child.architecture
        return getattr(self, word)(argument, child)

    def describe(self):
        return {"data": "none"}

    def reward(self, reward, child):
        if child.weights is not None:
            before = child.weights.read_text() if child.is_begun else ""
            child.weights.write_text(f"{before}{child.seed} ")
        budget = child.budget or 0.0
        return Evaluation(reward, {"pid": os.getpid()}, budget=budget)

    def fail(self, reason, *_):
        raise EvaluationError(reason)

    def refuse(self, reason, *_):
        raise Refusal(reason)

    def break_off(self, text, *_):
        raise Peculiar(text, 3)

    def sleep(self, seconds, *_):
        time.sleep(seconds)
        return Evaluation(1.0, {"pid": os.getpid()})

    def tell(self, steps, *_):
        for step in range(steps):
            tell_activity("training steps", step, steps)
        tell_activity("validating")
        return Evaluation(1.0)

    def meet(self, folder, *_):
        """Waits for another process to be here."""
        (folder / f"{os.getpid()}.pid").touch()
        while len(list(folder.glob("*.pid"))) < 2:
            time.sleep(0.01)
        return Evaluation(1.0, {"pid": os.getpid()})

    def die(self, argument, *_):
        """Takes its process down so many times, which it counts in a file."""
        times, diary = argument
        deaths = len(diary.read_text()) if diary.exists() else 0
        if deaths == times:
            return Evaluation(1.0)
        diary.write_text("x" * (deaths + 1))
        os.kill(os.getpid(), signal.SIGKILL)

    def die_of(self, number, *_):
        os.kill(os.getpid(), number)

    def fork_and_die(self, file, *_):
        """Leaves a process, whose number is in the file."""
        forked = os.fork()
        if not forked:
            time.sleep(600)
            os._exit(0)
        file.write_text(str(forked))
        self.die_of(signal.SIGKILL)


class Talkative(Obedient):
    """Says what it is doing while it is made."""

    def __init__(self):
        tell_activity("reading images", 12, 100)


class Fickle(Obedient):
    """Has other data in each process."""

    def describe(self):
        return {"data": os.getpid()}


class Peculiar(Exception):
    """Cannot be pickled."""

    def __init__(self, text, number):
        super().__init__(text)
        self.number = number


class Checksums(Evaluator):
    """Rewards follow from the genotype; some children fail, a few take
    longer."""

    def evaluate(self, child):
        checksum = zlib.crc32(child.architecture.to_json().encode()) % 1000
        time.sleep(checksum % 7 / 200)
        if checksum < 100:
            raise EvaluationError("The child diverged.")
        child.weights.write_text(str(checksum))
        return Evaluation(checksum / 1000)

    def describe(self):
        return {}


def without_data():
    raise ValueError("Expected images. Received: none.")


def dying():
    os.kill(os.getpid(), signal.SIGKILL)


def mortal_training(diary):
    """Trains children, saves each epoch, notes the steps at which it does,
    and dies after the second."""
    from search.evaluation import training
    from search.runs.config import RunConfig
    from search.runs.create import create_evaluator

    save = training.save_training

    def save_and_die(model, path, **others):
        save(model, path, **others)
        with open(diary, "a") as file:
            file.write(f"{int(model.optimizer.iterations)} ")
        if len(diary.read_text().split()) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    training.save_training = save_and_die
    training.CHECKPOINT_SECONDS = 0
    return create_evaluator(
        RunConfig(
            dataset="digits",
            recipe={"epochs": 4},
            child={
                "filters": 2,
                "train_images": 128,
                "validation_images": 64,
                "threads": 1,
            },
        )
    )
