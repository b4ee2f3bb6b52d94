"""Builds the wheel, and tries it in an empty environment of every Python.

python tools/release_check.py --pythons 3.11 3.12 3.13

Prints a line for each Python. A Python that is not on the machine is called
untested. Prints a line for each address that is missing, too. Exit code 1 if a
trial fails, nothing could be tried, or an address is missing.
"""

import argparse
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build" / "release"
VERSIONS = ("3.11", "3.12", "3.13")  # those of setup.cfg
COMMANDS = ("nasnet-auto", "nasnet-deploy", "nasnet-search", "nasnet-train")

# Runs in the environment, away from the repository.
TRIAL = """
import importlib, sys
from pathlib import Path
from typing import Any

for name in ("nasnet_keras", "zoo", "search", "nasnet_auto"):
    package = importlib.import_module(name)
    assert Path(sys.prefix) in Path(package.__file__).parents, package.__file__
    for public in package.__all__:
        getattr(package, public)

import nasnet_keras, search, zoo

nano = zoo.NASNetCIFARNano(weights="cifar10")
nano.save("nano.keras")
assert nasnet_keras.load_model("nano.keras").output_shape == (None, 10)

run = search.run(
    "run",
    dataset="digits",
    strategy="random",
    trials=1,
    space=search.NASNetSpace(blocks=1),
    recipe={"epochs": 1},
    child={"filters": 4},
)
search.export(run, "best")
from search.views.report.page import write_report

write_report([run], "report.html")
assert nasnet_keras.load_model("best/model.keras").output_shape == (None, 10)
"""


def main() -> int:
    """Runs the checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pythons", nargs="+", default=VERSIONS)
    versions = parser.parse_args().pythons
    shutil.rmtree(BUILD, ignore_errors=True)
    wheel = build_wheel()
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    outcomes = []
    for version in versions:
        python = find_python(version)
        if python is None:
            print(f"Python {version}: untested, it is not on this machine")
            continue
        wrong = try_wheel(wheel, python, BUILD / version)
        print(f"Python {version}: {wrong or 'passed'}", flush=True)
        outcomes.append(wrong is None)
    missing = missing_addresses(REPOSITORY)
    for each in missing:
        print(f"Not ready to publish: {each}")
    return 0 if outcomes and all(outcomes) and not missing else 1


def missing_addresses(repository: Path) -> list[str]:
    """The addresses that a publisher has not written yet, a sentence each."""
    settings = configparser.ConfigParser()
    settings.read(repository / "setup.cfg")
    missing = [
        f"setup.cfg has no `{name}`."
        for name in ("url", "project_urls")
        if not settings.has_option("metadata", name)
    ]
    if "git clone URL" in (repository / "docs" / "index.md").read_text():
        missing.append("docs/index.md has `URL` in place of the address.")
    security = (repository / "SECURITY.md").read_text()
    if "@" not in security and "http" not in security:
        missing.append("SECURITY.md names no contact.")
    return missing


def build_wheel() -> Path:
    """The wheel, built from a copy: setuptools would take what an earlier
    build has left."""
    source = BUILD / "source"
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for package in REPOSITORY.glob("*/__init__.py"):
        shutil.copytree(package.parent, source / package.parent.name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--wheel-dir", str(BUILD), str(source)),
        ],
        check=True,
    )
    (wheel,) = BUILD.glob("*.whl")
    return wheel


def find_python(version: str) -> Path | None:
    """The interpreter of a version: of the path, or of pyenv."""
    found = shutil.which(f"python{version}")
    pyenv = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*"))
    for path in ([Path(found)] if found else []) + [
        folder / "bin" / "python" for folder in pyenv
    ]:
        said = subprocess.run(
            [path, "-c", "import sys, venv, ensurepip; print(sys.version)"],
            capture_output=True,
            text=True,
        )
        if said.returncode == 0 and said.stdout.startswith(f"{version}."):
            return path
    return None


def try_wheel(wheel: Path, python: Path, folder: Path) -> str | None:
    """Installs the wheel and tries it; returns what went wrong, or None."""
    programs = folder / "venv" / "bin"
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(parents=True)
    steps: list[list[Any]] = [
        [python, "-m", "venv", folder / "venv"],
        [programs / "pip", "install", "--quiet", f"{wheel}"],
        [programs / "pip", "check"],
        *[[programs / command, "--help"] for command in COMMANDS],
        [programs / "python", "-c", TRIAL],
    ]
    for step in steps:
        done = subprocess.run(
            step,
            cwd=elsewhere,
            capture_output=True,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-5:]
            shown = " ".join(map(str, step))
            return f"failed at {shown}:\n" + "\n".join(last)
    shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    sys.exit(main())
