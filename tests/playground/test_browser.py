"""The playground as a person uses it: the command, a real browser, and the signal that ends it."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed"),
]


@pytest.fixture
def served(folder, make_run, tmp_path):
    """The process, its page's address, and the folder for what it writes."""
    models = make_run("mine"), make_run("other", seed=1)
    command = [sys.executable, "-m", "rugged", "playground", *models, "--data", str(folder), "--device", "cpu"]
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [*command, "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary"), "HTTP_PROXY": "http://127.0.0.1:9"},
    )
    yield process, process.stdout.readline().strip(), tmp_path / "temporary"
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


@pytest.fixture
def browser():
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_a_person_plays(served, browser, tmp_path):
    process, address, temporary = served
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)  # Other work may have the machine.
    errors, elsewhere = [], []
    page.on("console", lambda message: errors.append(message.text) if _is_fault(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    own = (address, "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page.goto(address)
    _choose_corruption_severity_and_draw(page)
    _choose_samples(page)
    _drop(page, tmp_path)
    assert (errors, elsewhere) == ([], [])
    written = [path.name for path in temporary.rglob("*") if path.is_file() and path.stat().st_size]
    assert {"broken.png", "photo.jpg"}.isdisjoint(written)
    process.send_signal(signal.SIGTERM)  # With the page still open.
    assert process.wait(60) == 128 + signal.SIGTERM
    assert "Traceback" not in process.stderr.read()
    assert not [*temporary.glob("rugged-playground-*"), *temporary.glob("gradio*")]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def _is_fault(message):
    """Whether a line of the console is of something wrong. A quick upload is done before Gradio asks how far it is."""
    return message.type == "error" and not (message.text == "Response" or "upload_progress" in message.location["url"])


def _seen(page):
    """The pictures that are shown, as they stand in the page."""
    return page.locator(".look figure img").evaluate_all("(all) => all.map((one) => one.src)")


def _choose_corruption_severity_and_draw(page):
    captions = page.locator(".look figcaption")
    captions.filter(has_text="Gaussian noise, severity 3").wait_for()
    assert page.locator(".opinion h2").all_inner_texts()[0].startswith("mine")
    assert page.locator(".opinion li").count() == 20
    clean, noisy = _seen(page)
    page.get_by_label("Corruption").click()
    page.get_by_role("option", name="Fog").click()
    captions.filter(has_text="Fog, severity 3").wait_for()
    page.locator("input[type=range]").fill("5")
    captions.filter(has_text="Fog, severity 5").wait_for()
    foggy = _seen(page)
    assert foggy[0] == clean
    assert foggy[1] not in (clean, noisy)
    page.get_by_role("button", name="Another draw").click()
    page.locator(".facts").filter(has_text="seed 1").wait_for()
    assert _seen(page)[0] == clean
    assert _seen(page)[1] != foggy[1]
    number = page.locator("#level input[type=number]")
    assert number.evaluate("(one) => getComputedStyle(one).pointerEvents") == "none"
    page.locator("input[type=range]").fill("0")
    page.get_by_text("Severity 0 leaves the picture as it is.").wait_for()
    assert _seen(page) == [clean]


def _choose_samples(page):
    before = _seen(page)
    sample = page.locator("button[data-sample]").nth(4)
    sample.click()
    page.locator(".facts").filter(has_text=sample.get_attribute("title")).wait_for()
    assert _seen(page) != before
    assert page.locator("[aria-pressed=true]").evaluate_all("(all) => all.map((one) => one.dataset.sample)") == ["4"]


def _drop(page, folder):
    before = _seen(page)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    page.locator("input[type=file]").set_input_files(folder / "broken.png")
    page.get_by_role("alert").filter(has_text="broken.png cannot be shown").wait_for()
    assert _seen(page) == before
    Image.linear_gradient("L").resize((300, 200)).save(folder / "photo.jpg")
    page.locator("input[type=file]").set_input_files(folder / "photo.jpg")
    page.locator(".facts").filter(has_text="photo.jpg · 32 × 32 pixels").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert page.locator("[aria-pressed=true]").count() == 0
    assert _seen(page) != before
