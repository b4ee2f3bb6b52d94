import subprocess
import sys

import pytest

import zoo


def test_every_name_is_there():
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    assert dir(zoo) == zoo.__all__
    with pytest.raises(AttributeError, match="resnet"):
        _ = zoo.resnet


def test_importing_loads_no_framework():
    code = (
        "import sys, zoo, zoo.presets\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
