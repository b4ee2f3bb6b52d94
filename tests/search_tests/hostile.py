"""Hostile files and wrong command lines for the three commands: by soak.py in
full, by test_hostile.py in small.

A command does what is asked, or refuses it by a sentence: without a traceback,
within 20 seconds, by an exit code that is documented, and without leaving
anything behind.
"""

import collections
import contextlib
import importlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

import fuzz
import numpy as np
import psutil
import typer

SECONDS = 20  # after which a command hangs
SECONDS_OF_A_PROCESS = 90  # which imports TensorFlow, on a busy machine too
LONGEST = 4000  # letters that a command says on its way to the end
MEMORY = 10 * 2**30  # bytes that a command may take
CODES = {0, 1, 2, 130}
NESTED = 10**6  # brackets
JUNK = 10**8  # bytes

# Where a command line begins, and where a process does.
MODULES = {
    "nasnet-search": ("search.cli.app", "search.cli.entry:main"),
    "nasnet-train": (
        "nasnet_auto.commands.train_cli",
        "nasnet_auto.entry:train",
    ),
    "nasnet-deploy": ("zoo.deploy_cli", "zoo.entry:deploy"),
    "nasnet-auto": ("nasnet_auto.commands.cli", "nasnet_auto.entry:main"),
}

# What commands need besides, so that a hostile file is what they stumble on.
# Names in braces are those of `Place`.
CHILD = "--trials 1 --space-option blocks=1 --epochs 1 --train-images 64"
CHILD += " --batch-size 32 --filters 4"
TRAINING = "--architecture {architecture} --repeats 1 --filters 4"
TRAINING += " --recipe search-proxy --epochs 1 --train-images 64"
NEEDED = {
    ("nasnet-search", "run"): f"--dataset digits --output {{new}} {CHILD}",
    ("nasnet-search", "resume"): "{run}",
    ("nasnet-search", "restore"): "{run}",
    ("nasnet-search", "status"): "{run}",
    ("nasnet-search", "export"): "{run} --output {new}",
    ("nasnet-search", "retrain"): "{run}",
    ("nasnet-search", "rank"): "{run}",
    ("nasnet-search", "report"): "{run} --output {new}",
    # It would serve a run that is one until Ctrl-C.
    ("nasnet-search", "dashboard"): "{nowhere}",
    ("nasnet-search", "latency-table"): "--dataset {nowhere} --output {new}",
    ("nasnet-search", "benchmark"): "--table {table} --output {new} --seeds 1"
    " --search-column a --report-column a --strategies random --trials 2",
    ("nasnet-train", "run"): f"--dataset digits --output {{new}} {TRAINING}",
    ("nasnet-train", "evaluate"): "{nowhere}",
    ("nasnet-train", "tune"): "--model nasnet_a_cifar_nano --dataset {nowhere}"
    " --output {new} --trials 1",
    ("nasnet-deploy", None): "{network} --format litert --output {new}.tflite",
    ("nasnet-auto", "run"): "{nowhere} --hours 0.02 --output {new}",
    ("nasnet-auto", "predict"): "{nowhere} {nowhere}",
}

PRESET = "nasnet_a_cifar_nano"

# The names under which a command looks into a file.
ENDINGS = {
    **dict.fromkeys(
        ("data", "dataset", "images", "calibration"),
        ("", ".npz", "/cat/1.png"),
    ),
    "architecture": ("", ".json"),
    "model": (".keras", "/model.keras"),
    "weights": (".weights.h5", ".safetensors", ".ckpt.index"),
    "output": ("", ".tflite"),
    "table": (".csv", ".csv.gz"),
    "run": ("", "/config.json", "/search.db"),
    "runs": ("", "/config.json", "/search.db"),
    "latency_table": (".json",),
}


# What is beside a file of a run, whole.
OTHERS = {
    "/config.json": ("search.db", "lock"),
    "/search.db": ("config.json", "lock"),
}


class Place:
    """A folder of hostile files, and of what commands need besides.

    Args:
        folder: The folder, new; commands run in it.
        nested: How many brackets the JSON has.
        junk: How many bytes the junk has.
    """

    def __init__(self, folder, nested=NESTED, junk=JUNK):
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.names = {"new": "new", "nowhere": "nowhere"}
        path, _ = fuzz.architecture(folder)
        self.names["architecture"] = path.name
        self.names["run"] = fuzz.search_once(folder / "run").directory.path.name
        self.names["network"] = fuzz.network(folder)[0].name
        self.names["table"] = "table.csv"
        cells = "|conv~0|,1\n|skip~0|,2\n"
        (folder / "table.csv").write_text(f"arch,a\n{cells}")
        rng = np.random.default_rng(0)
        (folder / "brackets").write_text("[" * nested + "]" * nested)
        (folder / "junk").write_bytes(rng.bytes(junk))
        (folder / "secret").write_text("secret")
        (folder / "secret").chmod(0)

    def hostile(self, kind, ending):
        """A hostile file of a name with such an ending, as an argument."""
        stem = {"long": "n" * 300, "text": "caf\udce9"}.get(kind, kind)
        if not ending.startswith("/"):
            name, path = stem + ending, self.folder / (stem + ending)
        else:
            name = stem + ending.replace("/", " in ").replace(".", "-")
            path = self.folder / f"{name}{ending}"
        if kind == "long" or os.path.lexists(path):
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in OTHERS.get(ending, {}):
            whole = self.folder / "run" / other
            (path.parent / other).write_bytes(whole.read_bytes())
        HOSTILE[kind](path, self.folder)
        return name

    def entries(self):
        """What is there, but for the files of SQLite's readers."""
        return {
            path: path.lstat().st_size if path.is_file() else None
            for path in self.folder.rglob("*")
            if not path.name.endswith(("-wal", "-shm"))
        }


# Each makes a file; the second argument is the folder of the whole ones.
HOSTILE = {
    "zero": lambda path, _: path.symlink_to("/dev/zero"),
    "fifo": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "empty": lambda path, _: path.touch(),
    "unreadable": lambda path, whole: os.link(whole / "secret", path),
    "large": lambda path, whole: os.link(whole / "junk", path),
    "brackets": lambda path, whole: os.link(whole / "brackets", path),
    "loop": lambda path, _: path.symlink_to(path.name),
    "long": None,
    "text": lambda path, _: path.write_bytes(b"caf\xe9"),
}


def parameters():
    """Each command with each of its parameters, as typer knows them."""
    for name, (module, _) in MODULES.items():
        command = typer.main.get_command(importlib.import_module(module).app)
        several = getattr(command, "commands", {None: command})
        for subcommand, found in several.items():
            yield (name, subcommand), found.params


def kind_of(parameter):
    return parameter.type_descriptor.annotation


def with_files():
    """Each command with each parameter that may be the name of a file: the
    paths, and all texts."""
    for key, found in parameters():
        for parameter in found:
            if kind_of(parameter) in (str, Path):
                yield key, parameter


def line(place, key, parameter, value):
    """A command line in which a parameter has this value, and the others are
    what the command needs."""
    names = place.names
    if parameter.name == "weights":  # Only of a network that has a name.
        names = {**names, "network": PRESET}
    needed = NEEDED[key].format(**names).split()
    option = parameter.opts[0]
    if option.startswith("-"):
        if option in needed:
            at = needed.index(option)
            del needed[at : at + 2]
        needed += [f"{option}={value}"]
    else:
        needed[0] = value
    return [*filter(None, key[1:]), *needed]


def hostile_lines(place):
    """Every hostile file as every argument: the command and its arguments."""
    for key, parameter in with_files():
        for kind in HOSTILE:
            for ending in ENDINGS.get(parameter.name, ("",)):
                value = place.hostile(kind, ending)
                yield key[0], line(place, key, parameter, value)


ODD_NUMBERS = ("-1", "0", "1", "2", "1e99", "nan", "9" * 400, "", "0x10", "٣")
ODD_TEXTS = (
    *("", " ", "-", "--", "nowhere", "~nobody/x", "a=b", "=", "blocks=", "=1"),
    *("blocks=[[[", "a\nb", "\x1b[31m", "\udce9", "x" * 3000, "../..", "/"),
    *("os:system", "ppo", "random", "search.spaces:SPACES", "auto", "{}"),
)


def wrong_line(place, rng):
    """A random command line of the real options, in which something is wrong:
    no data are there."""
    lines = list(parameters())
    key, found = lines[rng.integers(len(lines))]
    words = [*filter(None, key[1:])]
    whole = rng.random() < 0.5  # but for the data, and what else is drawn
    if whole:
        words += NEEDED[key].format(**place.names).split()
        words = ["nowhere" if each == "digits" else each for each in words]
    for parameter in found:
        share = 0.8 if parameter.required else 3 / len(found)
        if whole:
            share = 0 if parameter.required else 2 / len(found)
        for _ in range(int(rng.random() < share) + int(rng.random() < 0.02)):
            words += _words(place, parameter, rng)
    for _ in range(int(rng.integers(3) == 0)):
        words.insert(
            int(rng.integers(len(words) + 1)),
            str(rng.choice(["--no-such", "-x", "more", "--", "--help=1"])),
        )
    return key[0], words


def _words(place, parameter, rng):
    option, kind = parameter.opts[0], kind_of(parameter)
    choices = typing.get_args(kind)
    if kind is bool:
        return [option] if rng.random() < 0.8 else [f"{option}=1"]
    if kind in (int, float):
        value = rng.choice(ODD_NUMBERS)
    elif choices and rng.random() < 0.7:
        value = choices[rng.integers(len(choices))]
    elif rng.random() < 0.5:
        kinds = [name for name in HOSTILE if name != "large"]
        endings = ENDINGS.get(parameter.name, ("",))
        value = place.hostile(
            kinds[rng.integers(len(kinds))],
            endings[rng.integers(len(endings))],
        )
    else:
        value = ODD_TEXTS[rng.integers(len(ODD_TEXTS))]
    if not option.startswith("-"):
        return [str(value)]
    return [f"{option}={value}"] if rng.random() < 0.8 else [option, str(value)]


def wrong_lines(place, count, seed):
    for number in range(count):
        yield wrong_line(place, np.random.default_rng((seed, number)))


def try_here(place, name, arguments):
    """Calls a command in this process; returns its exit code.

    Raises:
        AssertionError: It broke the contract.
    """
    said, printed = io.StringIO(), io.StringIO()
    main = importlib.import_module(MODULES[name][0]).main
    before = sys.argv, tempfile.tempdir, place.entries()
    sys.argv = [name, *arguments]
    tempfile.tempdir = str(place.temporary)
    try:
        with (
            contextlib.chdir(place.folder),
            contextlib.redirect_stderr(said),
            contextlib.redirect_stdout(printed),
            fuzz.time_limit(SECONDS),
        ):
            code = main()
    finally:
        sys.argv, tempfile.tempdir, _ = before
    check(code, said.getvalue())
    check_left_behind(place, before[2], code)
    return code


def try_process(place, name, arguments):
    """The same in a process of its own."""
    module, _, function = MODULES[name][1].partition(":")
    program = f"import sys, {module}; sys.exit({module}.{function}())"
    before = place.entries()
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(os.fsencode, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        errors="replace",
        cwd=place.folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(place.temporary),
        },
        timeout=SECONDS_OF_A_PROCESS,
    )
    check(ended.returncode, ended.stderr)
    check_left_behind(place, before, ended.returncode)
    return ended.returncode


def check(code, said):
    if code not in CODES:
        raise AssertionError(f"Exit code {code}: {said}")
    if "Traceback" in said or len(said) > LONGEST:
        raise AssertionError(f"No sentence: {said[:LONGEST]}")
    if code:
        fuzz.check_sentence(said.removesuffix("\n").rpartition("\n")[2])


def check_left_behind(place, before, code):
    """One that did what was asked may leave what it was to write."""
    after = place.entries()
    left = [path for path in after if path not in before]
    changed = [path for path in before if before[path] != after.get(path)]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if code in (0, 1):
        left = [path for path in left if path.name.startswith(".")]
    processes = [
        child
        for child in psutil.Process().children(recursive=True)
        if not any("resource_tracker" in word for word in child.cmdline())
    ]
    if left or changed or processes:
        raise AssertionError(f"Left behind: {[*left, *changed, *processes]}")


def tried(place, lines, attempt):
    """Has command lines tried, in bounded memory; returns how often each exit
    code came.

    Raises:
        AssertionError: One broke the contract; a note says which.
    """
    codes = collections.Counter()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, before[1]))
    try:
        for name, arguments in lines:
            try:
                codes[attempt(place, name, arguments)] += 1
            except BaseException as error:
                error.add_note(f"{name} {[each[:300] for each in arguments]}")
                raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    return codes
