"""The page in a real browser, without a driver: a script in a copy does what a person would, then the DOM is read."""

import re
import shutil
import subprocess

import pytest

from rugged.report import write_report
from rugged.report.curves import draw_curves
from rugged.results import RunFolder

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")]

ACTIONS = """
const log = document.createElement("pre");
log.id = "log";
const note = (name, value) => { log.textContent += name + "=" + value + "\\n"; };
const errors = document.querySelectorAll("table.errors")[0];
const order = () => [...errors.tBodies[0].rows].map((row) => row.cells[6].dataset.value).join(" ");
const mean = errors.tHead.rows[0].cells[6];
mean.firstElementChild.click();
note("descending", order());
note("sort", mean.ariaSort);
mean.firstElementChild.click();
note("ascending", order());
const visible = () => [...document.querySelectorAll("#gallery tbody[data-corruption]")].filter((one) => !one.hidden);
note("first", visible().map((one) => one.dataset.corruption));
document.querySelectorAll("#pick-corruption input")[3].click();
note("chosen", visible().map((one) => one.dataset.corruption));
document.querySelectorAll("#pick-model input")[1].click();
note("models", [...new Set([...document.querySelectorAll("#gallery .answer")]
  .filter((one) => !one.hidden).map((one) => one.dataset.model))]);
const chart = document.querySelectorAll("svg.chart")[1];
chart.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
note("tip", document.getElementById("tip").textContent);
const theme = document.getElementById("theme");
theme.click(); theme.click();
note("theme", document.documentElement.dataset.theme);
note("paper", getComputedStyle(document.body).backgroundColor);
document.body.append(log);
"""


def _open(page, profile):
    """Load a page; returns the DOM after its scripts, and what was written to the console."""
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
            "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_page_loads_under_its_own_policy_without_a_word_on_the_console(pair, tmp_path):
    dom, console = _open(write_report(pair, tmp_path / "r.html"), tmp_path / "profile")
    assert console == []
    assert re.search(r'<button[^>]*id="theme"[^>]*>Theme: automatic', dom)
    assert not re.search(r'<fieldset id="pick-corruption" hidden', dom)


def test_sorting_choosing_reading_and_the_theme_work(pair, tmp_path):
    text = write_report(pair, tmp_path / "r.html").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # Which forbids the script below.
    driven = tmp_path / "driven.html"
    driven.write_text(text.replace("</body>", f"<script>{ACTIONS}</script></body>"), encoding="utf-8")
    dom, console = _open(driven, tmp_path / "profile")
    assert console == []
    lines = re.search(r'<pre id="log">(.*?)</pre>', dom, re.S)[1].strip().splitlines()
    log = dict(line.split("=", 1) for line in lines)
    means = [float(value) for value in log["descending"].split()]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) > 1
    assert log["sort"] == "descending"
    assert [float(value) for value in log["ascending"].split()] == means[::-1]
    assert (log["first"], log["chosen"], log["models"]) == ("0", "3", "1")
    assert log["tip"].startswith("Gaussian noise, severity 1")
    assert (log["theme"], log["paper"]) == ("dark", "rgb(21, 23, 26)")


READING = """
const chart = document.querySelectorAll("svg.chart")[1];
for (const _ of "12") chart.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
document.body.append(Object.assign(document.createElement("pre"), { id: "log", textContent: tip.textContent }));
"""


def test_learning_curves_are_read_off_with_the_keys(make_run, tmp_path):
    page = draw_curves(RunFolder(make_run(tmp_path / "run", corruptions=("fog",))))
    assert _open(page, tmp_path / "profile")[1] == []
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    page.write_text(text.replace("</body>", f"<script>{READING}</script></body>"), encoding="utf-8")
    dom, console = _open(page, tmp_path / "profile")
    assert console == []
    # 2.3 × 0.83³ and 2.3 × 0.8³ nats after the third epoch.
    assert re.search(r'<pre id="log">(.*?)</pre>', dom, re.S)[1] == "Loss, nats, epoch 3dev1.32train1.18"
