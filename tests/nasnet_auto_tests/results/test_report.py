"""What the report says besides: the command, the time and the latencies."""

import nasnet_auto.survey
from nasnet_auto.request import Request
from nasnet_auto.results import report
from nasnet_auto.stages import Context
from nasnet_auto.trainings.book import Book
from nasnet_auto.trainings.candidates import Candidate, Row, plain_network


def context_of(folder, *rows, **request):
    """A run of these rows in its plain stage."""
    context = Context(
        Request("digits", 0.1, **request),
        nasnet_auto.survey.survey("digits"),
        Book(folder / "plan.json", {}),
        folder,
    )
    for row in rows:
        settings = {"network": plain_network(8)}
        context.book.plan("plain network", Candidate(row.name, settings))
        context.book.add("plain network", row)
    return context


def test_the_command_has_the_options_that_were_given(tmp_path):
    context = context_of(
        tmp_path,
        pretrained=False,
        skip_broken=True,
        max_latency=0.02,
        workers=2,
        seed=3,
    )
    assert report._command(context) == (
        "nasnet-auto run digits --hours 0.1 --max-latency 0.02 "
        "--no-pretrained --skip-broken --seed 3 --output again"
    )


def test_what_the_time_went_to(tmp_path):
    context = context_of(tmp_path, Row("a", 0.5, seconds=60.0), Row("b"))
    spent = report._minutes(context)
    assert spent["plain network"] == 1.0
    assert len(spent) == 2


def test_accuracy_against_latency_is_drawn_where_it_was_measured(tmp_path):
    row = Row("a", 0.5, error=0.1, latency=0.01)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    context = context_of(tmp_path / "one", Row("b", 0.5, error=0.1))
    assert report._latencies(context) is None
    context = context_of(tmp_path / "two", row, max_latency=0.02)
    assert report._latencies(context).startswith("data:image/png;base64,")


def test_cells_are_drawn(tmp_path):
    from nasnet_keras import NASNET_A
    from nasnet_keras.architectures import find_kind, to_data

    architecture = to_data(find_kind("nasnet"), NASNET_A)
    candidate = Candidate("a", {"network": {"architecture": architecture}})
    drawn = report._pictures(candidate)
    assert {*drawn} == {"Architecture, normal", "Architecture, reduction"}
