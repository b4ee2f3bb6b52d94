"""The examples of all public docstrings, run as they stand.

An example sees the names of its module and those that it defines itself, and
may write files; what it prints is compared. There is no list of examples to
keep: each new one is found and run.
"""

import ast
import builtins
import doctest
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("nasnet_auto", "nasnet_keras", "search", "zoo")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Not run, and why. Their names are looked up all the same.
NOT_RUN = {
    "nasnet_keras.deployment.latency.latency_table.LatencyTable.measure": (
        "measures for minutes, on an idle machine"
    ),
    "search.views.dashboard.server.Dashboard": "serves until it is stopped",
}
# They take more than some seconds.
LARGE = {
    "nasnet_auto",
    "nasnet_auto.auto.run",
    "nasnet_auto.results.result.Result",
    "nasnet_auto.tuning.tune",
    "nasnet_keras.deployment.export.export",
    "nasnet_keras.training.evaluation.evaluate_run.evaluate_run",
    "nasnet_keras.training.run.run_training",
    "search",
    "search.actions.rank_correlation.rank_correlation",
    "search.actions.retrain.retrain",
    "search.evaluation.base.Evaluator",
    "search.runs.begin.run",
    "search.runs.recovery.restore",
    "search.weight_sharing.shared_network.SharedNetwork",
    "zoo.hub.NASNetBackbone",
    "zoo.hub.NASNetImageClassifier",
}


def documented(tree, name):
    """All public docstrings below a module, each with its full name."""
    yield name, ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            if not node.name.startswith("_"):
                yield from documented(node, f"{name}.{node.name}")


def all_examples():
    """By full name the module and the docstring of every one with `>>>`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text())
            for name, docstring in documented(tree, module):
                if docstring and ">>>" in docstring:
                    found[name] = module, docstring
    return found


EXAMPLES = all_examples()


def run(name, module, docstring):
    """Runs the examples of a docstring; returns what went wrong, as text."""
    test = doctest.DocTestParser().get_doctest(
        docstring, dict(vars(module)), name, module.__file__, 0
    )
    report = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(
        test, out=report.append
    )
    return "".join(report)


def undefined(module, docstring):
    """The names that an example reads, and that are defined nowhere."""
    source = doctest.script_from_examples(docstring)
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)]
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    stored = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    return read - stored - imported - set(vars(module)) - set(dir(builtins))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.large] if name in LARGE else [])
        for name in EXAMPLES
        if name not in NOT_RUN
    ],
)
def test_the_example_does_what_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module, docstring = EXAMPLES[name]
    wrong = run(name, importlib.import_module(module), docstring)
    assert not wrong, wrong


@pytest.mark.parametrize("name", NOT_RUN)
def test_an_example_that_is_not_run_defines_its_names(name):
    module, docstring = EXAMPLES[name]
    assert not undefined(importlib.import_module(module), docstring)


def test_a_new_docstring_with_a_broken_example_would_be_noticed():
    source = 'class A:\n    def b(self):\n        """\n        >>> 1 + 1\n'
    source += '        3\n        """\n    def _c(self):\n        """>>> d"""\n'
    found = dict(documented(ast.parse(source), "module"))
    assert list(found) == ["module", "module.A", "module.A.b"]
    module = importlib.import_module("nasnet_keras.genotype")
    assert "Got:\n    2" in run("b", module, found["module.A.b"])
    assert not run("b", module, ">>> MAX_BLOCKS + 0\n10\n")
    assert undefined(module, ">>> [Block(i, x) for i in y]") == {"x", "y"}
    assert LARGE < set(EXAMPLES)
