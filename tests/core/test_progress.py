"""Progress as a log shows it."""

import io

import pytest
from rich.console import Console

import rugged.core.progress as module
from rugged.core.progress import format_seconds, progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (8.44, "8.4 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7625, "2 h 07 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert format_seconds(seconds) == text


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def log(monkeypatch):
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(module, "_console", Console(file=stream, width=200))
    monkeypatch.setattr(module, "time", clock)
    return stream, clock


def test_a_log_gets_a_line_now_and_then_with_rate_and_time_left(log):
    stream, clock = log
    with progress("Packing", 1000) as bar:
        for _ in range(4):
            clock.now += 10
            bar.advance(100, "train")
    assert stream.getvalue().splitlines() == [
        "Packing: 20% (200/1,000 images, 10/s, 1 min 20 s left)  train",
        "Packing: 40% (400/1,000 images, 10/s, 1 min 00 s left)  train",
        "Packing: 400 images in 40.0 s  train",
    ]


def test_resumed_work_counts_as_done_but_not_as_fast(log):
    stream, clock = log
    with progress("Training", 1000, done=900) as bar:
        clock.now += 20
        bar.advance(50)
        clock.now += 10
        bar.advance(50)
    assert stream.getvalue().splitlines() == [
        "Training: 95% (950/1,000 images)",
        "Training: 100 images in 30.0 s (900 were done before)",
    ]


def test_the_rate_is_that_of_the_work_and_not_of_what_had_to_start(log):
    """20 seconds until the first piece, then half a picture a second."""
    stream, clock = log
    with progress("Restoring", 100, "pictures", done=10) as bar:
        clock.now += 20
        bar.advance(2)
        for _ in range(2):
            clock.now += 16
            bar.advance(8)
    assert stream.getvalue().splitlines()[:3] == [
        "Restoring: 12% (12/100 pictures)",
        "Restoring: 20% (20/100 pictures, 0.5/s, 2 min 40 s left)",
        "Restoring: 28% (28/100 pictures, 0.5/s, 2 min 24 s left)",
    ]


def test_where_nobody_knows_how_many_there_are_the_rate_is_shown_alone(log):
    stream, clock = log
    with progress("Predicting", None, "pictures") as bar:
        bar.advance(1)
        clock.now += 20
        bar.advance(25)
    assert stream.getvalue().splitlines()[0] == "Predicting: 26 pictures, 1.2/s"


def test_one_is_no_plural(log):
    stream, clock = log
    with progress("Predicting", None, "pictures") as bar:
        clock.now += 20
        bar.advance()
    assert stream.getvalue().splitlines() == ["Predicting: 1 picture", "Predicting: 1 picture in 20.0 s"]


def test_names_are_said_as_they_are(capsys, monkeypatch):
    """Rich would make a cat of this one, and a style of the other."""
    monkeypatch.setattr(module, "_console", None)
    module.say("runs/a:cat:b [bold]")
    assert capsys.readouterr().err == "runs/a:cat:b [bold]\n"


def test_a_terminal_gets_a_bar(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(module, "_console", Console(file=stream, width=120, force_terminal=True, legacy_windows=False))
    with progress("Packing", 10, "files") as bar:
        bar.advance(10, "done")
    assert "10/10" in stream.getvalue()
    assert "files" in stream.getvalue()
