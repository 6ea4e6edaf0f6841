"""Fixtures and rules for the whole test suite."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

# Examples are judged by what they give; how long one takes depends on what else the machine does.
settings.register_profile("rugged", deadline=None)
settings.load_profile("rugged")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, with the reason; and begin with the tests of the whole, which are the longest:
    at the end one worker would run them while the others wait.
    """
    items.sort(key=lambda item: item.path.parent != ROOT / "tests")
    if "network" not in config.option.markexpr:
        _skip(items, "network", "reaches the internet: run `pytest -m network`")
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            _skip(items, "gpu", "no CUDA device")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _private_environment(tmp_path_factory: pytest.TempPathFactory):
    """Give the session a cache of its own, which its workers share, and no texture folder: no test depends on what a
    developer has at home.
    """
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUGGED_CACHE", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"))
        patch.delenv("RUGGED_TEXTURES", raising=False)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data: ``RUGGED_SHARED``, or ``../shared`` beside the repository."""
    folder = Path(os.environ.get("RUGGED_SHARED") or ROOT.parent / "shared")
    if not (folder / "golden").is_dir():
        pytest.skip(f"no development data in {folder} (set RUGGED_SHARED)")
    return folder


@pytest.fixture(params=[pytest.param("cuda", marks=pytest.mark.gpu), "stand-in"])
def accelerator(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A device that is not the CPU: a GPU where there is one, and on every machine what stands for one."""
    import torch
    from tests import stand_in

    if request.param == "cuda":
        yield torch.device("cuda", 0)
    else:
        with stand_in.stand_in_device():
            yield stand_in.DEVICE


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder of PNG pictures, two classes a simple network tells apart: light above or light below."""
    rng = np.random.default_rng(0)
    for split, count in {"train": 24, "val": 9}.items():
        for name, order in {"above": (200, 60), "below": (60, 200)}.items():
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                levels = np.repeat(order, 16)[:, None, None] + rng.integers(-50, 50, (32, 32, 3))
                Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(folder / f"{split}{number:02}.png")
    return tmp_path / "pictures"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Hugging Face hub on this machine, which its client speaks to for the length of the test."""
    from huggingface_hub import constants
    from tests.hub import Hub

    hub = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # Its chunks go to other servers.
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the system, driven by Playwright; the test is skipped where either is missing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_in_browser(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a fresh context and gives Playwright's page; further arguments are the context's.

    A page may ask for nothing but files and what its address begins with: anything else is cut off. At the end of the
    test none may have tried, written an error or a warning to the console, or raised one.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_in_browser(address: str, allowed: tuple[str, ...] = (), **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)

        def judge(route: Any) -> None:
            url = route.request.url
            if url.startswith(("file:", "data:", "blob:", *allowed)):
                route.continue_()
            else:
                complaints.append(f"asked for {url}")
                route.abort()

        context.route("**/*", judge)
        page.on("websocket", lambda socket: complaints.append(f"opened {socket.url}") if not allowed else None)
        page.on("pageerror", lambda error: complaints.append(f"raised {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"console: {message.text}") if message.type in ("error", "warning") else None
            ),
        )
        page.goto(address)
        return page

    open_in_browser.complaints = complaints  # For a test of this very fixture.
    yield open_in_browser
    for context in contexts:
        context.close()
    assert not complaints
