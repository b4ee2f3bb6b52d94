import contextlib
import http.client
import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import time

import pytest

import search
import search.cli.app
from nasnet_keras.console.command_line import InputError
from search.evaluation.base import EvaluationError
from search.trial import TrialState, ranked
from search.views.dashboard.page import SECTIONS, DashboardPage
from search.views.dashboard.server import Dashboard

MARKUP = "<script>alert(1)</script> & <b>co</b>"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser"))),
    shutil.which("google-chrome"),
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --remote-debugging-pipe"
).split()
# Gives the browser its pipes as the descriptors 3 and 4, where it wants them.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
SECONDS_TO_WAIT = 120  # for what should come at once


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Spares the tests the time that drawing and waiting take."""
    monkeypatch.setattr(
        "search.views.report.page.save_figure",
        lambda figure, path: path.write_text("<svg/>"),
    )
    for module in ("server", "page"):
        monkeypatch.setattr(
            f"search.views.dashboard.{module}.SECONDS_BETWEEN", 0.05
        )
    monkeypatch.setattr("search.views.dashboard.page.PAUSE_PER_SECOND", 0.0)


@pytest.fixture
def make_run(tmp_path, learning, FakeEvaluator):
    def make_run(name="first", evaluator=None, **settings):
        return search.run(
            tmp_path / name,
            evaluator=evaluator or FakeEvaluator(failing=0.3),
            tensorboard=False,
            space_options={"blocks": 2},
            **{"strategy": "learning", "trials": 12, "seed": 1} | settings,
        )

    return make_run


@pytest.fixture
def search_under_way(make_run, tmp_path, FakeEvaluator):
    """A search in another thread: the run, and what lets a child end."""
    begun, gate = threading.Event(), threading.Semaphore(0)

    class Evaluator(FakeEvaluator):
        def evaluate(self, *arguments):
            begun.set()
            gate.acquire()
            return super().evaluate(*arguments)

    thread = threading.Thread(
        target=make_run,
        kwargs={"evaluator": Evaluator(), "trials": 4},
        daemon=True,
    )
    thread.start()
    assert begun.wait(SECONDS_TO_WAIT)
    yield search.load(tmp_path / "first"), gate.release
    gate.release(100)
    thread.join()


@pytest.fixture
def serve():
    """Serves runs; returns the dashboard."""
    with contextlib.ExitStack() as stack:

        def serve(*runs, **address):
            dashboard = Dashboard(runs, **{"port": 0} | address)
            thread = threading.Thread(
                target=dashboard.serve_forever, args=(0.01,)
            )
            thread.start()
            stack.enter_context(dashboard)
            stack.callback(thread.join)
            stack.callback(dashboard.shutdown)
            return dashboard

        yield serve


def get(dashboard, path="/", **headers):
    """The status of an answer, and the answer."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", dashboard.port, timeout=SECONDS_TO_WAIT
    )
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@contextlib.contextmanager
def events(dashboard):
    """The messages that a browser gets."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", dashboard.port, timeout=SECONDS_TO_WAIT
    )
    with contextlib.closing(connection):
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.getheader("Content-Type").startswith("text/event-stream")
        lines = (line.decode() for line in answer)
        yield (
            json.loads(line.removeprefix("data: "))
            for line in lines
            if line.startswith("data: ")
        )
        answer.close()


def test_a_search_under_way_is_followed(search_under_way, serve):
    run, let_a_child_end = search_under_way
    dashboard = serve(run)
    with events(dashboard) as messages:
        sections = next(messages)
        assert tuple(sections) == SECTIONS
        assert "<dd>0 of 4</dd>" in sections["summary"]
        assert "Driven by process" in sections["underway"]
        assert "<td>0</td><td>in training</td>" in sections["underway"]
        assert re.search(
            rf"<td>{os.getpid()}</td><td>[\d,]+ MiB", sections["underway"]
        )
        let_a_child_end()
        while "<dd>1 of 4</dd>" not in sections["summary"]:
            changed = next(messages)
            assert "problem" not in changed
            sections |= changed
        while "<td>1</td><td>in training</td>" not in sections["underway"]:
            sections |= next(messages)
    assert "<dd>1 of 4</dd>" in get(dashboard)[1]


def test_what_a_search_came_to(make_run):
    run = make_run()
    page = DashboardPage([run])
    sections = page.sections()
    best, *_ = ranked(run.trials)
    assert f"{best.reward:.4f} <small>best reward" in sections["summary"]
    assert f"trial {best.number}, reward" in sections["cells"]
    assert sections["cells"].count("<img ") == 6
    assert 'class="steps run-0" d="M' in sections["rewards"]
    failed = [t for t in run.trials if t.state is TrialState.FAILED]
    assert failed
    for trial in failed:
        row = f"<td>{trial.number}</td><td>{trial.reason}</td>"
        assert row in sections["failures"]
    columns = re.findall(r'<th scope="col">(\w+)', sections["seconds"])
    assert columns == ["Run", "Longest", "Mean", "Build", "Train"]
    means = re.findall(r"<td>(\d.*?)</td>", sections["seconds"])
    assert means == ["0.7500", "0.7500", "0.2500", "0.5000"]
    assert "No process that is seen on this machine" in sections["underway"]
    assert "No child is under way." in sections["underway"]


def test_children_wait_for_workers(search_under_way, monkeypatch):
    run, _ = search_under_way
    (trial,) = run.trials
    others = [search.Trial(number, trial.decisions) for number in (1, 2)]
    monkeypatch.setattr(search.Run, "trials", [trial, *others])
    text = DashboardPage([run]).sections()["underway"]
    assert "<td>0</td><td>in training</td>" in text
    for number in (1, 2):
        assert f"<td>{number}</td><td>waits for a worker</td>" in text


def test_children_are_broken_off_with_their_driver(
    make_run, tmp_path, FakeEvaluator
):
    with pytest.raises(KeyboardInterrupt):
        make_run(evaluator=FakeEvaluator(interrupt=(2, KeyboardInterrupt())))
    run = search.load(tmp_path / "first")
    page = DashboardPage([run])
    with run.directory.lock():
        assert "<td>2</td><td>in training</td>" in page.sections()["underway"]
    time.sleep(0.06)
    assert "<td>2</td><td>broken off</td>" in page.sections()["underway"]
    # Of a run that was dead before the page was there, too.
    later = DashboardPage([run]).sections()["underway"]
    assert "<td>2</td><td>broken off</td>" in later


def test_many_failures_are_counted(make_run, monkeypatch):
    monkeypatch.setattr("search.views.dashboard.tables.FAILURES_SHOWN", 2)
    run = make_run()
    text = DashboardPage([run]).sections()["failures"]
    failed = [t.number for t in run.trials if t.state is TrialState.FAILED]
    assert len(failed) > 2
    assert f"The last 2 of {len(failed)}." in text
    numbers = [int(n) for n in re.findall(r"<td>(\d+)</td>", text)]
    assert numbers == failed[:-3:-1]


def test_what_users_write_is_text(make_run, FakeEvaluator):
    class Evaluator(FakeEvaluator):
        def evaluate(self, child):
            if "sep_conv_3x3" in child.architecture.to_json():
                raise EvaluationError(f"The child is {MARKUP}")
            return super().evaluate(child)

    run = make_run("<i>first & only", Evaluator())
    page = DashboardPage([run]).render()
    assert "The child is &lt;script&gt;" in page
    assert "&lt;i&gt;first" in page
    assert "<i>" not in page
    assert "<b>" not in page
    (nonce,) = re.findall('<script nonce="([^"]+)">', page)
    policy = re.search('Security-Policy" content="([^"]+)"', page)[1]
    assert f"script-src 'nonce-{nonce}'" in policy


def test_the_page_needs_no_network(make_run):
    page = DashboardPage([make_run()]).render()
    links = re.findall(r'<[^>]* (?:src|href|action)="([^"]{0,9})', page)
    assert links
    assert set(links) == {"data:imag"}
    assert not re.search("<(link|iframe|object|embed)", page)


def test_no_file_is_served(make_run, serve):
    dashboard = serve(make_run(trials=5))
    for path in (
        *("/config.json", "/../first/config.json", "/page.css"),
        *("//etc/passwd", "/events/", "/?"),
    ):
        status, text = get(dashboard, path)
        assert status == 404
        assert "learning" not in text


def test_a_page_elsewhere_cannot_read_the_runs(make_run, serve):
    dashboard = serve(make_run(trials=5))
    assert get(dashboard, Host="evil.example:8765")[0] == 403
    assert get(dashboard, "/events", Host="127.0.0.1.evil.example")[0] == 403
    assert get(dashboard, Host="[")[0] == 403
    assert get(dashboard, Host=f"localhost:{dashboard.port}")[0] == 200


def test_a_run_is_only_read(make_run, serve):
    run = make_run(trials=5)

    def contents():
        return {
            path: path.is_file() and path.read_bytes()
            for path in run.directory.path.rglob("*")
            # What SQLite's readers share.
            if path.suffix not in (".db-shm", ".db-wal")
        }

    before = contents()
    with run.directory.lock():  # No driver is kept waiting.
        assert get(serve(run))[0] == 200
    assert contents() == before


def test_a_run_that_cannot_be_read_is_a_problem(make_run):
    run = make_run()
    page = DashboardPage([run])
    before = page.sections()
    hidden = run.directory.database.rename(run.directory.path / "hidden")
    time.sleep(0.06)
    sections = page.sections()
    assert "The runs cannot be read now" in sections["problem"]
    assert sections["summary"] == before["summary"]
    hidden.rename(run.directory.database)
    time.sleep(0.06)
    assert page.sections() == before


def test_a_run_that_cannot_be_read_hides_no_other(make_run):
    good, bad = make_run("good"), make_run("bad")
    bad.directory.database.write_bytes(b"noise" * 1000)
    sections = DashboardPage([bad, good]).sections()
    assert str(bad.directory.database) in sections["problem"]
    assert "good" in sections["summary"]


@pytest.mark.parametrize("file", ["config.json", "retrained/ranking.json"])
def test_a_run_that_is_damaged_later_keeps_no_other_from_being_read(
    make_run, file
):
    good, bad = make_run("good", trials=4), make_run("bad")
    page = DashboardPage([bad, good])
    before = page.sections()
    damaged = bad.directory.path / file
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_text("noise")
    page._due = 0.0
    shown = []
    page._section = lambda name, content: shown.append(content) or name
    page.sections()
    assert str(damaged) in shown[0]["problem"]
    assert {each.label for each in shown[0]["snapshots"]} == {"good", "bad"}
    assert "bad" in before["summary"]


def test_long_reading_is_followed_by_a_long_pause(make_run, monkeypatch):
    page = DashboardPage([make_run(trials=5)])
    monkeypatch.setattr("search.views.dashboard.page.PAUSE_PER_SECOND", 1e9)
    sections = page.sections()
    time.sleep(0.06)
    assert page.sections() is sections


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"host": ""}, "Invalid value for argument `host`. Expected an add"),
        ({"port": 70000}, "Cannot serve at host 127.0.0.1, port 70000: .*[^.]"),
        ({"host": "a" * 70}, "Cannot serve at host a*, port 8765: .*[^.]"),
    ],
)
def test_an_address_that_cannot_be_had_is_a_sentence(address, sentence):
    with pytest.raises(InputError, match=sentence):
        Dashboard([], **address)


@pytest.fixture
def command(make_run, monkeypatch, tmp_path):
    make_run(trials=5)
    monkeypatch.chdir(tmp_path)

    def command(text):
        monkeypatch.setattr(sys, "argv", ["nasnet-search", *text.split()])
        return search.cli.app.main()

    return command


def interrupt(*_):
    raise KeyboardInterrupt


def test_the_command_serves_until_ctrl_c(command, capsys, monkeypatch):
    monkeypatch.setattr(Dashboard, "serve_forever", interrupt)
    assert command("dashboard first --port 0") == 0
    out = capsys.readouterr().out
    assert re.fullmatch(
        r"http://127.0.0.1:\d+/ follows the runs. Ctrl-C ends it.\n", out
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("first nowhere", "Expected the folder of a run. Received: nowhere"),
        ("", "Missing argument 'RUN...'"),
        ("first --port 70000", "Invalid value for '--port'"),
        ("first --port {port}", "Cannot serve at host 127.0.0.1, port {port}:"),
        ("first --host 192.0.2.1", "Cannot serve at host 192.0.2.1, port 8765"),
    ],
)
def test_bad_input_is_a_sentence(
    command, capsys, make_run, serve, arguments, sentence
):
    port = serve().port
    assert command(f"dashboard {arguments.format(port=port)}") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(sentence.format(port=port))
    assert captured.err.count("\n") == 1


class Browser:
    """A page in a browser, spoken to by the DevTools protocol on pipes."""

    def __init__(self, folder, url):
        theirs_in, self._output = os.pipe()
        self._input, theirs_out = os.pipe()
        self._received, self._calls, self._session = b"", 0, {}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, str(theirs_in)),
                *(str(theirs_out), CHROMIUM, *FLAGS),
                f"--user-data-dir={folder}",
            ],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self._call("Target.createTarget", url=url)["targetId"]
        attached = self._call(
            "Target.attachToTarget", targetId=target, flatten=True
        )
        self._session = {"sessionId": attached["sessionId"]}

    def evaluate(self, script):
        """What a script on the page comes to."""
        answer = self._call("Runtime.evaluate", expression=script)
        return answer["result"].get("value")

    def wait_for(self, script):
        """Waits until a script on the page comes to something true."""
        end = time.monotonic() + SECONDS_TO_WAIT
        while not self.evaluate(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._input)
        os.close(self._output)

    def _call(self, method, **parameters):
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        text = json.dumps({**message, **self._session})
        os.write(self._output, text.encode() + b"\0")
        while True:
            answer = json.loads(self._receive())
            if answer.get("id") == self._calls:
                return answer["result"]

    def _receive(self):
        while b"\0" not in self._received:
            ready, *_ = select.select([self._input], [], [], SECONDS_TO_WAIT)
            part = os.read(self._input, 65536) if ready else b""
            assert part, "the browser does not answer"
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        return message


def test_a_browser_shows_new_trials_without_a_reload(
    search_under_way, serve, tmp_path
):
    if CHROMIUM is None:
        pytest.skip("there is no chromium, chromium-browser or google-chrome")
    run, let_a_child_end = search_under_way
    dashboard = serve(run)
    text = "document.body.innerText"
    browser = Browser(tmp_path / "browser", dashboard.url)
    with contextlib.closing(browser):
        browser.wait_for(f"{text}.includes('Connected')")
        browser.wait_for(f"{text}.includes('0 of 4')")
        assert browser.evaluate("document.images.length") == 0
        browser.evaluate("window.sameDocument = true")
        let_a_child_end()
        browser.wait_for(f"{text}.includes('1 of 4')")
        browser.wait_for("document.images.length === 2")
        assert f"{run.best.reward:.4f}" in browser.evaluate(text)
        # What the reader has opened stays open, wherever it is then.
        of_first = (
            "document.querySelector('details[data-key=\"text first 0\"]')"
        )
        browser.evaluate(f"{of_first}.open = true")
        let_a_child_end()
        browser.wait_for(f"{text}.includes('2 of 4')")
        browser.wait_for("document.images.length === 4")
        assert browser.evaluate(f"{of_first}.open")
        assert browser.evaluate("window.sameDocument")
        dashboard.shutdown()
        dashboard.server_close()
        browser.wait_for(f"{text}.includes('Not connected')")
