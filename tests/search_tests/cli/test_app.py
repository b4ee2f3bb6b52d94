import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import search.cli.app

BINARIES = Path(sys.executable).parent
COMMANDS = (
    "run",
    "resume",
    "restore",
    "status",
    "report",
    "dashboard",
    "export",
    "retrain",
)
HEAVY = ("keras", "tensorflow", "tensorflow_datasets", "matplotlib")


@pytest.fixture
def command(learning, monkeypatch, tmp_path, FakeEvaluator):
    """Calls `nasnet-search` in this process, in `tmp_path`; no child is
    trained, and no event file written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "search.observers.tensorboard.TensorBoardObserver", Nothing
    )
    for module in ("search.cli.session", "nasnet_keras.console.command_line"):
        monkeypatch.setattr(f"{module}.import_tensorflow", lambda: None)
    monkeypatch.setattr(
        "search.runs.create._create_named", lambda config: FakeEvaluator()
    )

    def command(text):
        monkeypatch.setattr(sys, "argv", ["nasnet-search", *text.split()])
        return search.cli.app.main()

    return command


class Nothing(search.Observer):
    def __init__(self, directory):
        pass


RUN = "run --output first --strategy learning --dataset digits "
RUN += "--space-option blocks=2"


def test_a_search_from_beginning_to_end(command, capsys):
    assert command(f"{RUN} --trials 3 --seed 1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1/3  trial 0: reward 0.")
    assert "3 of 3 children done." in lines
    assert command("resume first --trials 6") == 0
    capsys.readouterr()
    assert command("status first --json") == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["done"], status["total"], status["seed"]) == (6, 6, 1)
    assert command("status first") == 0
    text = capsys.readouterr().out
    best = status["best"]
    assert f"Best: trial {best['number']}, reward {best['reward']:.4f}" in text
    assert "output = concat(" in text


def test_every_setting_is_an_option(command, capsys):
    options = (
        '--trials 2 --seed 5 --space-option combiners=["add"] --keep 1 '
        "--epochs 4 --train-images 90 --l2 0.5 --strategy-option minibatch=2 "
        "--halving 3 --reward netscore --max-parameters 5000"
    )
    assert command(f"{RUN} {options}") == 0
    config = json.loads(Path("first/config.json").read_text())["config"]
    assert (config["seed"], config["keep"]) == (5, 1)
    assert config["space_options"] == {"blocks": 2, "combiners": ["add"]}
    assert config["strategy_options"] == {"minibatch": 2}
    assert config["recipe"]["epochs"] == 4
    assert config["child"]["train_images"] == 90
    assert config["recipe"]["l2"] == 0.5
    assert config["halving"] == 3
    assert config["objective"]["reward"] == "netscore"
    assert config["objective"]["max_parameters"] == 5000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (f"{RUN} --trials none", "Invalid value for '--trials'"),
        (f"{RUN} --trials 0", "Invalid value for `trials`."),
        (f"{RUN} --epochs 0", "Invalid value for `recipe.epochs`."),
        (
            f"{RUN} --auxiliary-weight 0.4",
            "Invalid value for `auxiliary_weight`. Expected 0.0: a child of a "
            "search has no auxiliary head. Received: 0.4.",
        ),
        (
            f"{RUN} --average-weights 0.9",
            "Invalid value for `average_weights`. Expected None: a child",
        ),
        (
            "run --output first --dataset digits --space layerwise "
            "--drop-path-rate 0.2",
            "Invalid value for `drop_path_rate`. Expected 0.0: networks given "
            "layer by layer have no paths to drop. Received: 0.2.",
        ),
        (f"{RUN} --recipe haste", "Invalid value for `recipe`. Expected one "),
        (f"{RUN} --reward speed", "Invalid value for '--reward'"),
        (f"{RUN} --reward mnasnet", "The settings disagree. Expected a `cost`"),
        (
            f"{RUN} --halving 3 --first-epochs 3",
            "The settings disagree. Expected fewer `first_epo",
        ),
        (f"{RUN} --workers 0", "Invalid value for `workers`."),
        (
            f"{RUN} --workers 2 --executor in-process",
            "The settings disagree. Expected the `executor` processes or ray",
        ),
        (
            f"{RUN} --child-time-limit 9",
            "The settings disagree. Expected the `executor` processes or ray",
        ),
        (f"{RUN} --address auto", "The settings disagree. Expected an `addr"),
        (
            f"{RUN} --workers 3 --lag 1",
            "Invalid value for argument `workers`. Expected at most 2",
        ),
        (
            f'{RUN} --space-option combiners=["mean"]',
            "Invalid value for argument `combiners`",
        ),
        (f"{RUN} --colour red", "No such option: --colour"),
        (
            f"{RUN} --strategy-option lag",
            "Invalid value for an option of a space",
        ),
        (
            f"{RUN} --strategy psychic",
            "Invalid value for `strategy`. Expected one of auto, random, ppo",
        ),
        (f"{RUN} --strategy-option size=2", "Invalid options for the strategy"),
        ("run --dataset digits", "Missing option '--output'"),
        (f"{RUN} --space-option blocks=3", "Expected each option of a space"),
        ("walk", "No such command 'walk'"),
        ("resume nowhere", "Expected the folder of a run. Received: nowhere"),
        ("status nowhere", "Expected the folder of a run. Received: nowhere"),
        ("export nowhere --output best", "Expected the folder of a run."),
    ],
)
def test_bad_input_is_a_sentence(command, capsys, arguments, sentence):
    assert command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(sentence)
    assert captured.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_run_is_begun_once(command, capsys):
    assert command(f"{RUN} --trials 1") == 0
    assert command(f"{RUN} --trials 1") == 2
    assert "`nasnet-search resume first`" in capsys.readouterr().err
    assert command("export first --output first") == 2
    assert "new or empty" in capsys.readouterr().err
    assert command("export first --output best --form nasm") == 2
    assert capsys.readouterr().err == (
        "Invalid value for argument `form`. Expected one of darts, nni, "
        "nasbench201. Received: 'nasm'.\n"
    )


def test_an_interrupted_run_says_how_to_go_on(
    command, capsys, monkeypatch, FakeEvaluator
):
    evaluator = FakeEvaluator(interrupt=(1, KeyboardInterrupt()))
    monkeypatch.setattr("search.runs.create._create_named", lambda _: evaluator)
    assert command(f"{RUN} --trials 3") == 130
    assert (
        "Continue with `nasnet-search resume first`." in capsys.readouterr().err
    )
    assert command("resume first") == 0
    assert "3 of 3 children done." in capsys.readouterr().out


def test_a_run_ends_at_its_time_limit_and_goes_on(command, capsys):
    assert command(f"{RUN} --trials 3 --time-limit 1e-6") == 0
    said = capsys.readouterr().out
    assert "0 of 3 children done." in said
    assert "is over. Continue with `nasnet-search resume first`." in said
    assert command("resume first --workers 2") == 2
    assert "a run with a lag of 0" in capsys.readouterr().err
    assert command("resume first") == 0
    said = capsys.readouterr().out
    assert "3 of 3 children done." in said
    assert "time limit" not in said


def test_a_damaged_run_is_restored(command, capsys):
    assert command(f"{RUN} --trials 3 --seed 1") == 0
    assert command("restore first") == 2
    assert "is whole: there is nothing to restore." in capsys.readouterr().err
    Path("first/search.db").write_bytes(b"noise")
    for action in ("status", "resume"):
        assert command(f"{action} first") == 2
        error = capsys.readouterr().err
        assert error.endswith("by `nasnet-search restore first`.\n")
        assert error.count("\n") == 1
    assert command("restore first") == 0
    restored, aside, further = capsys.readouterr().out.splitlines()
    assert restored.startswith("Restored the backup of 20")
    assert restored.endswith(" 3 trials.")
    assert aside == "The damaged database is now first/search.db.damaged."
    assert further == "Continue with `nasnet-search resume first`."
    assert command("resume first --trials 4") == 0


def test_a_failed_run_says_why(command, capsys, monkeypatch, FakeEvaluator):
    evaluator = FakeEvaluator(failing=2.0)
    monkeypatch.setattr("search.runs.create._create_named", lambda _: evaluator)
    assert command(f"{RUN} --trials 20") == 1
    error = capsys.readouterr().err
    assert error.startswith("All 10 children that were evaluated failed")
    assert error.count("\n") == 1


def test_a_defect_is_not_hidden(command, monkeypatch, FakeEvaluator):
    evaluator = FakeEvaluator(interrupt=(1, ValueError("a defect")))
    monkeypatch.setattr("search.runs.create._create_named", lambda _: evaluator)
    with pytest.raises(ValueError, match="a defect"):
        command(f"{RUN} --trials 3")


def test_help_and_bad_arguments_need_no_keras(tmp_path):
    """All in one process, whose start takes as long as ten commands."""
    commands = [
        (["--help"], 0),
        *(([name, "--help"], 0) for name in COMMANDS),
        (["run", "--output", "x", "--trials", "0"], 2),
        (["run", "--colour"], 2),
        (["run", "--output", "x", "--strategy", "psychic"], 2),
        (["run", "--output", "x", "--space-option", "blocks=0"], 2),
        (["status", "nowhere"], 2),
    ]
    script = (
        "import sys\n"
        "from search.cli.app import main\n"
        f"for arguments, code in {commands}:\n"
        "    sys.argv[1:] = arguments\n"
        "    assert main() == code, arguments\n"
        f"    loaded = [name for name in {HEAVY} if name in sys.modules]\n"
        "    assert not loaded, (arguments, loaded)\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert completed.returncode == 0, completed.stderr
    shown = completed.stdout.count("Usage: nasnet-search")
    assert shown == sum(code == 0 for _, code in commands)


@pytest.mark.large
def test_tensorflow_is_imported_in_silence():
    script = (
        "import os, sys\n"
        "import nasnet_keras.console.command_line\n"
        "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "nasnet_keras.console.command_line.import_tensorflow()\n"
        "print(sys.modules['tensorflow'].__name__)\n"
        "print('said', file=sys.stderr)\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert (completed.stdout, completed.stderr) == ("tensorflow\n", "said\n")


def test_the_script_works_beside_a_file_of_the_same_name(tmp_path):
    (tmp_path / "search.py").write_text("raise RuntimeError('not this one')")
    completed = subprocess.run(
        [shutil.which("nasnet-search", path=BINARIES), "status", "nowhere"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert completed.returncode == 2
    assert completed.stderr.startswith("Expected the folder of a run.")


BENCHMARK = (
    "benchmark --search-column validation --report-column test "
    "--trials 5 --seeds 2 --space-option nodes=3 --output compared"
)


def test_a_benchmark_on_a_table(command, capsys, small_table):
    text = f"{BENCHMARK} --table {small_table} --strategies grid,local-search"
    assert command(text) == 0
    assert "local-search" in capsys.readouterr().out
    assert Path("compared/summary.json").exists()
    assert command(text) == 2
    assert "new or empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--table none.csv --strategies grid", "a CSV file that can be read"),
        ("--table {} --strategies annealing", "--strategies). Expected some"),
    ],
)
def test_a_benchmark_of_what_there_is_not(
    command, capsys, small_table, options, message
):
    assert command(f"{BENCHMARK} {options.format(small_table)}") == 2
    assert message in capsys.readouterr().err
    assert not Path("compared").exists()


def test_a_table_of_latencies_is_measured_once(command, capsys, monkeypatch):
    measured = []

    def measure(config, path):
        child = config.child
        measured.append(
            (config.space_options, child.filters, child.skip_broken)
        )
        path.write_text("a table")

    module = types.ModuleType("search.actions.latency_table")
    module.measure_table = measure
    monkeypatch.setitem(sys.modules, module.__name__, module)
    call = (
        "latency-table --dataset digits --space-option blocks=2 --filters 4 "
        "--skip-broken --output t"
    )
    assert command(call) == 0
    assert measured == [({"blocks": 2}, 4, True)]
    assert "Wrote t." in capsys.readouterr().out
    assert command(call) == 2
    assert "Expected as output a new file" in capsys.readouterr().err
    Path("link").symlink_to("link")
    assert command(call.replace("--output t", "--output link")) == 2
    assert "Expected as output a new file" in capsys.readouterr().err
    assert command("latency-table --output u --epochs 3") == 2
    assert "No such option: --epochs" in capsys.readouterr().err
