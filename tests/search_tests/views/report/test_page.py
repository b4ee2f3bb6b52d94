import base64
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import search
import search.cli.app
import search.views.report.page
from nasnet_keras.console.command_line import InputError
from search.evaluation.base import EvaluationError
from search.pareto import pareto_front
from search.trial import TrialState, ranked
from search.views.dashboard.server import Dashboard
from search.views.report.page import render, write_report

MARKUP = "<script>alert(1)</script> & <b>co</b>"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser"))),
    shutil.which("google-chrome"),
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --window-size=1400,900"
).split()
VOID = {"meta", "img", "input", "wbr", "line", "path", "circle"}


class Page(html.parser.HTMLParser):
    """What a reader of the page finds.

    Attributes:
        tags: Each tag with its attributes, in order.
        tables: By the nearest section, its tables: rows of texts.
        shown: The rows of tables that are not hidden.
        sorted: The columns by which tables are sorted, and their order.
        text: The text outside of tables, styles and scripts.
    """

    def __init__(self, page):
        super().__init__()
        self.tags, self.tables, self.text = [], {}, ""
        self.shown, self.sorted = [], []
        self.open, self.section = [], None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = attributes["aria-labelledby"].split("-")[0]
        elif tag == "table":
            self.tables.setdefault(self.section, []).append([])
        elif tag == "tr":
            self.table.append([])
            if "hidden" not in attributes:
                self.shown.append(self.table[-1])
        elif tag in ("td", "th"):
            if "aria-sort" in attributes:
                column = len(self.table[-1])
                self.sorted.append((column, attributes["aria-sort"]))
            self.table[-1].append("")

    def handle_endtag(self, tag):
        while tag not in VOID and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.table[-1][-1] += data.strip()
        elif not {"style", "script"} & set(self.open):
            self.text += " " + " ".join(data.split())

    @property
    def table(self):
        return self.tables[self.section][-1]

    def attributes(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(autouse=True)
def save_figure(monkeypatch):
    """Spares all tests but one the time that drawing takes."""
    drawn = search.views.report.page.save_figure
    monkeypatch.setattr(
        "search.views.report.page.save_figure",
        lambda figure, path: path.write_text("<svg/>"),
    )
    return drawn


@pytest.fixture
def make_run(tmp_path, learning, FakeEvaluator):
    class Evaluator(FakeEvaluator):
        """Children have parameters, and some reasons to fail have markup."""

        def evaluate(self, child):
            evaluation = super().evaluate(child)
            if evaluation.reward < 0.2:
                raise EvaluationError(f"The child is {MARKUP}")
            convolutions = child.architecture.to_json().count("conv")
            metrics = {"parameters": 300.0 * convolutions}
            return replace(
                evaluation, metrics={**evaluation.metrics, **metrics}
            )

    def make_run(name="first", evaluator=None, **settings):
        return search.run(
            tmp_path / name,
            evaluator=evaluator or Evaluator(),
            tensorboard=False,
            space_options={"blocks": 2},
            **{"strategy": "learning", "trials": 20, "seed": 1} | settings,
        )

    return make_run


def test_the_page_tells_of_a_run(make_run):
    run = make_run(dataset="digits")
    page = Page(render([run]))
    best = ranked(run.trials)[0]
    assert f"trial {best.number} of first , reward {best.reward:.4f}" in (
        page.text
    )
    assert "learning on digits, seed 1" in page.text
    assert "Children evaluated 20 of 20" in page.text
    failed = sum(t.state is TrialState.FAILED for t in run.trials)
    assert failed
    assert f"Failed {failed}" in page.text
    alternatives = [image["alt"] for image in page.attributes("img")]
    assert f"Normal of trial {best.number} of first" in alternatives[0]
    assert len(alternatives) == 6  # both cells of three trials
    (settings,) = page.tables["settings"]
    assert ["seed", "1"] in settings
    assert ["recipe.epochs", "3"] in settings


def test_a_run_of_so_many_hours(make_run):
    run = make_run(strategy="random", trials=None, hours=0.01)
    page = Page(render([run]))
    assert f"Children evaluated {len(run.trials)} of {run.total}" in page.text


def test_all_trials_are_in_the_table_the_best_first(make_run):
    run = make_run()
    (table,) = Page(render([run])).tables["trials"]
    header, *rows = table
    # The accuracy, the same as the reward, is not repeated.
    assert header == [
        *("Run", "Trial", "State", "Reward", "Loss", "Parameters"),
        *("Epochs", "Seconds", "Cells"),
    ]
    shown = {int(row[1]): row for row in rows}
    assert sorted(shown) == [trial.number for trial in run.trials]
    rewards = [float(row[3]) for row in rows if row[3]]
    assert rewards == sorted(rewards, reverse=True)
    for trial in run.trials:
        row = shown[trial.number]
        assert row[2] == trial.state.value
        assert row[3] == ("" if trial.reward is None else f"{trial.reward:.4f}")
        assert row[4] == ""  # infinite
        if trial.state is TrialState.COMPLETE:
            parameters = trial.evaluation.metrics["parameters"]
            assert row[5:8] == [f"{parameters:,.0f}", "3", "0.7500"]
        if trial.duplicate_of is not None:
            assert row[8].startswith(f"As trial {trial.duplicate_of}.")
        if trial.reason:
            assert row[8].startswith(trial.reason)
        assert "output = concat(" in row[8]
    assert {row[2] for row in rows} == {"complete", "failed", "duplicate"}


def test_a_long_table_keeps_the_best(make_run, monkeypatch):
    monkeypatch.setattr("search.views.report.tables.MAX_ROWS", 4)
    run = make_run()
    page = Page(render([run]))
    numbers = [int(row[1]) for row in page.tables["trials"][0][1:]]
    assert len(numbers) == 4
    assert ranked(run.trials)[0].number in numbers
    assert f"The 4 trials of the highest reward, of {len(run.trials)}." in (
        page.text
    )


def test_what_users_write_is_text(make_run):
    run = make_run("<i>first & only", dataset=MARKUP)
    text = render([run])
    assert "<i>" not in text
    assert "<b>" not in text
    page = Page(text)
    assert len(page.attributes("script")) == 1
    assert f"learning on {MARKUP}, seed 1" in page.text
    assert "<i>first & only" in page.tables["trials"][0][1][0]
    assert ["dataset", MARKUP] in page.tables["settings"][0]
    reasons = [row[-1] for row in page.tables["trials"][0]]
    assert any(
        reason.startswith(f"The child is {MARKUP}") for reason in reasons
    )


def test_what_is_no_text_is_printable(make_run):
    run = make_run("first")
    path = run.directory.configuration
    record = json.loads(path.read_text())
    record["command"] = "nasnet-search run --output caf\udce9"
    path.write_text(json.dumps(record))
    settings = Page(render([run])).tables["settings"][0]
    assert ["command", "nasnet-search run --output caf?"] in settings


def test_the_page_needs_no_network(make_run, monkeypatch, save_figure):
    monkeypatch.setattr("search.views.report.page.save_figure", save_figure)
    page = Page(render([make_run()]))
    policies = [meta.get("content", "") for meta in page.attributes("meta")]
    assert any("default-src 'none'" in policy for policy in policies)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed")
        for name in ("src", "href", "action"):
            assert attributes.get(name, "data:").startswith("data:")
    for image in page.attributes("img"):
        picture = base64.b64decode(image["src"].partition("base64,")[2])
        assert b"<svg" in picture
        assert not re.search(rb'href="(?!#)', picture)


def test_runs_beside_each_other(make_run):
    first, second = make_run("first"), make_run("second", seed=2)
    page = Page(render([first, second]))
    assert page.text.count("best reward, trial") == 2
    assert "may not compare" not in page.text
    (settings,) = page.tables["settings"]
    assert settings[0] == ["Setting", "first", "second"]
    assert ["seed", "1", "2"] in settings
    marked = [row.get("class") for row in page.attributes("tr")]
    differing = sum(len(set(row[1:])) > 1 for row in settings[1:])
    assert marked.count("differs") == differing
    runs = {row[0] for row in page.tables["trials"][0][1:]}
    assert runs == {"first", "second"}
    assert len(page.tables["choices"]) == 6  # two runs, three kinds


def test_runs_that_do_not_compare(make_run):
    first = make_run("first")
    second = make_run("second", recipe={"epochs": 7})
    text = Page(render([first, second])).text
    assert "Rewards may not compare: the runs differ in recipe.epochs ." in text


def test_runs_of_one_name_are_told_apart(make_run, tmp_path):
    runs = [make_run("a/ppo"), make_run("b/ppo")]
    page = Page(render([*runs, runs[0]]))
    names = page.tables["settings"][0][0][1:]
    assert names == [str(tmp_path / "a/ppo"), str(tmp_path / "b/ppo")]


def test_the_curve_of_rewards_never_falls(make_run):
    run = make_run()
    page = Page(render([run]))
    paths = {path["class"]: path["d"] for path in page.attributes("path")[:2]}
    complete = [t for t in run.trials if t.state is TrialState.COMPLETE]
    assert paths["dots run-0"].count("M") == len(complete)
    heights = re.findall(r"[V ]([\d.]+)", paths["steps run-0"])
    heights = [float(height) for height in heights]
    assert len(heights) > 2
    assert heights == sorted(heights, reverse=True)  # from the top


def test_the_best_is_one_of_those_trained_longest(make_run, FakeEvaluator):
    class Evaluator(FakeEvaluator):
        def evaluate(self, child):
            evaluation = super().evaluate(child)
            promoted = evaluation.reward < 0.5
            return replace(evaluation, budget=9.0 if promoted else 3.0)

    run = make_run(evaluator=Evaluator())
    page = Page(render([run]))
    rewards = [t.reward for t in run.trials if t.reward is not None]
    best = max(reward for reward in rewards if reward < 0.5)
    assert max(rewards) > best
    assert f"of first , reward {best:.4f}" in page.text
    assert f"{best:.4f} best reward" in page.text
    (line,) = [
        path["d"]
        for path in page.attributes("path")
        if path["class"] == "steps run-0"
    ]
    # Higher dots are drawn above the end of the line.
    (dots, *_) = page.attributes("path")
    top = min(float(y) for y in re.findall(r" ([\d.]+)h", dots["d"]))
    assert float(re.findall(r"V([\d.]+)", line)[-1]) > top


def test_the_pareto_front_is_marked_and_listed(make_run):
    run = make_run()
    page = Page(render([run]))
    front = pareto_front(run.trials, ["parameters"])
    (table,) = page.tables["fronts"]
    assert table[0] == ["Run", "Trial", "Parameters", "Accuracy"]
    assert table[1:] == [
        [
            "first",
            str(trial.number),
            f"{trial.evaluation.metrics['parameters']:,.0f}",
            f"{trial.reward:.4f}",
        ]
        for trial in front
    ]
    assert len(page.attributes("circle")) == len(front)


def test_a_reward_that_is_no_accuracy_is_not_called_so(make_run, FakeEvaluator):
    class Scores(FakeEvaluator):
        def evaluate(self, child):
            evaluation = super().evaluate(child)
            metrics = {"parameters": 10.0, "validation_images": 20.0}
            return replace(
                evaluation, reward=-evaluation.reward, metrics=metrics
            )

    (table,) = Page(render([make_run(evaluator=Scores())])).tables["fronts"]
    assert table[0] == ["Run", "Trial", "Parameters", "Reward"]
    assert all(re.fullmatch(r"-0\.\d{4}", row[-1]) for row in table[1:])


def test_choices_are_counted_by_quarter(make_run):
    run = make_run(strategy="random", trials=8)
    tables = Page(render([run])).tables["choices"]
    for (header, *rows), count in zip(tables, (13, 3, 2), strict=True):
        assert header == ["Trials", "even", "0–1", "2–3", "4–5", "6–7"]
        assert len(rows) == count
        for column in range(1, 6):
            total = sum(float(row[column]) for row in rows)
            assert total == pytest.approx(100, abs=0.1 * count)


def test_a_run_without_a_complete_trial(make_run, FakeEvaluator, tmp_path):
    with pytest.raises(search.SearchError):
        make_run(evaluator=FakeEvaluator(failing=2.0), trials=1)
    page = Page(render([search.load(tmp_path / "first")]))
    assert "No child is evaluated yet." in page.text
    assert page.attributes("img") == page.attributes("svg") == []
    assert page.tables["trials"][0][1][2] == "failed"


def test_a_report_replaces_an_earlier_one(make_run, tmp_path):
    output = tmp_path / "report.html"
    first, second = make_run("first"), make_run("second")
    assert write_report([first], output) == output
    write_report([second.directory.path], output)
    assert "second: search report" in output.read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("first", "second", "report.html")
    }


def test_runs_are_a_list(make_run, tmp_path):
    run = make_run()
    for given in (run, str(run.directory.path)):
        with pytest.raises(InputError, match="`runs`. Expected a list of runs"):
            write_report(given, tmp_path / "report.html")
        with pytest.raises(InputError, match="`runs`. Expected a list of runs"):
            Dashboard(given, port=0)
    with pytest.raises(InputError, match="`output`"):
        write_report([run], None)


@pytest.mark.parametrize(
    "name", ["first/search.db", "first", "empty.html", "loop", "pipe"]
)
def test_a_report_replaces_nothing_else(make_run, tmp_path, name):
    run = make_run()
    (tmp_path / "empty.html").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = run.directory.database.read_bytes()
    with pytest.raises(InputError, match="a new file or an earlier report"):
        write_report([run], tmp_path / name)
    assert run.directory.database.read_bytes() == before


@pytest.fixture
def command(make_run, monkeypatch, tmp_path):
    make_run()
    monkeypatch.chdir(tmp_path)

    def command(text):
        monkeypatch.setattr(sys, "argv", ["nasnet-search", *text.split()])
        return search.cli.app.main()

    return command


def test_the_command(command, capsys):
    assert command("report first first --output report.html") == 0
    assert capsys.readouterr().out == "Wrote report.html.\n"
    assert Path("report.html").read_text("utf-8").endswith("</html>\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("first nowhere --output report.html", "Expected the folder of a run."),
        ("--output report.html", "Missing argument 'RUN...'"),
        ("first", "Missing option '--output'"),
        ("first --output no/report.html", "Cannot write no/report.html: No su"),
        ("first --output first/lock", "Expected as output a new file or an ea"),
    ],
)
def test_bad_input_is_a_sentence(command, capsys, arguments, sentence):
    assert command(f"report {arguments}") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(sentence)
    assert captured.err.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["first"]


# What a reader does, then what the page has come to.
READER = """
document.body.style.width = "360px";
document.title = `${document.body.scrollWidth} pixels`;
const header = (name) => [...document.querySelectorAll("#trials th button")]
  .find((button) => button.textContent === name);
"""
TYPE = """
const field = document.querySelector(`#trials [name=${name}]`);
field.value = value;
field.dispatchEvent(new InputEvent("input", { bubbles: true }));
"""


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Opens a page in a browser, runs a script there and reads the page."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium, chromium-browser or google-chrome")

    def browse(text, script):
        folder = tmp_path_factory.mktemp("browser")
        page = folder / "page.html"
        script = f"<script>{{{READER}{script}}}</script></body>"
        page.write_text(text.replace("</body>", script), encoding="utf-8")
        completed = subprocess.run(
            [
                *(CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}"),
                *("--dump-dom", page.as_uri()),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        return Page(completed.stdout)

    return browse


@pytest.mark.parametrize(
    ("name", "clicks", "order"),
    [("Parameters", 1, "ascending"), ("Parameters", 2, "descending")],
)
def test_the_table_sorts_in_a_browser(make_run, browse, name, clicks, order):
    text = render([make_run()])
    page = browse(text, f"header('{name}').click();" * clicks)
    (table,) = page.tables["trials"]
    column = table[0].index(name)
    assert page.sorted == [(column, order)]
    texts = [row[column] for row in table[1:]]
    # As numbers, 900 before 1,200, and those that are missing last.
    values = [float(text.replace(",", "")) for text in texts if text]
    assert values == sorted(values, reverse=order == "descending")
    assert not any(texts[len(values) :])
    assert sorted(table) == sorted(Page(text).tables["trials"][0])


def test_the_table_filters_in_a_browser(make_run, browse):
    text = render([make_run("first"), make_run("second", seed=2)])
    rows = Page(text).tables["trials"][0][1:]
    script = "".join(
        f"{{ const name = '{name}', value = '{value}'; {TYPE} }}"
        for name, value in (("words", "output Conv_1x1"), ("run", 1))
    )
    page = browse(text, script)
    shown = [row for row in page.shown if row in rows]
    assert shown == [
        row for row in rows if row[0] == "second" and "conv_1x1" in row[-1]
    ]
    assert 0 < len(shown) < len(rows) / 2
    assert f"{len(shown)} of {len(rows)} rows" in page.text


def test_the_page_fits_a_phone(make_run, browse):
    page = browse(render([make_run()]), "")
    assert "360 pixels" in page.text
