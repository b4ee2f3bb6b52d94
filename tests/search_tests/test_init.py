import subprocess
import sys

import pytest

import search


def test_the_public_names():
    assert search.__all__ == [
        "Child",
        "ChildConfig",
        "ChoiceSpace",
        "Decision",
        "Evaluation",
        "EvaluationError",
        "Evaluator",
        "ExecutionConfig",
        "InputError",
        "NASNetSpace",
        "Observer",
        "RecipeSpace",
        "Run",
        "RunConfig",
        "SearchError",
        "SearchSpace",
        "Strategy",
        "Trial",
        "TrialState",
        "export",
        "load",
        "rank_correlation",
        "resume",
        "retrain",
        "run",
    ]
    for name in search.__all__:
        assert getattr(search, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        _ = search.walk


def test_looking_at_a_run_needs_no_keras():
    script = (
        "import sys, search\n"
        "for name in search.__all__:\n"
        "    if name not in ('export', 'retrain'): getattr(search, name)\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
