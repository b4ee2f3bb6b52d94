"""What a damaged or a hostile .keras file comes to."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import pytest

from nasnet_keras.network.build import load_model


@pytest.fixture
def file(tmp_path):
    """A network with one layer."""
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(2, name="dense")(inputs)
    path = tmp_path / "model.keras"
    keras.Model(inputs, outputs).save(path)
    return path


def rewrite(path, change):
    """Changes the description of the layer."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"][1])
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.large
def test_whatever_is_registered_loads_in_a_new_process():
    root = Path(sys.modules[load_model.__module__].__file__).parents[2]
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in (root / "nasnet_keras").rglob("*.py")
        if "@keras.saving.register_keras_serializable" in path.read_text()
    ]
    assert "nasnet_keras.layers.class_names" in modules
    code = (
        "import sys, nasnet_keras.network.build\n"
        f"print(*{{*{modules!r}}} - {{*sys.modules}})"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("damage", [b"", b"noise" * 99, "cut"])
def test_a_damaged_file_is_a_sentence(file, damage):
    content = file.read_bytes()
    file.write_bytes(content[:900] if damage == "cut" else damage)
    with pytest.raises(ValueError, match="Expected a whole .keras") as caught:
        load_model(file)
    assert "\n" not in str(caught.value)


def test_a_small_file_may_not_hold_a_large_description(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", b" " * (2**24 + 1))
    with pytest.raises(ValueError, match="config.json has more than 16 MiB"):
        load_model(file)


def test_code_in_a_file_is_not_run(tmp_path):
    said = tmp_path / "said"
    inputs = keras.Input((4,))

    def speak(x, path=str(said)):
        open(path, "a").close()
        return x

    outputs = keras.layers.Lambda(speak, output_shape=(4,))(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    said.unlink(missing_ok=True)
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_model(tmp_path / "model.keras")
    assert not said.exists()


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("os", "mkdir", {"path": "made", "mode": 511}),
        ("subprocess", "Popen", {"args": ["mkdir", "made"]}),
        ("accomplice", "Layer", {}),
        ("keras.utils", "get_file", {"fname": "made", "origin": "file:///x"}),
    ],
)
def test_a_class_that_a_file_names_is_not_called(
    file, tmp_path, monkeypatch, module, name, arguments
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "accomplice.py").write_text("import os; os.mkdir('made')\n")

    def hostile(layer):
        layer.update(module=module, class_name=name, config=arguments)
        layer["registered_name"] = name

    rewrite(file, hostile)
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_model(file)
    assert not (tmp_path / "made").exists()
