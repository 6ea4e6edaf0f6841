"""From models and data to a page that is served until a signal ends it."""

import importlib.util
import ipaddress
import os
import socket
import sys
import time
import warnings
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import getproxies

from rugged.benchmark.variants import open_restorers
from rugged.core.errors import ConfigError
from rugged.core.hints import how_to_install
from rugged.core.progress import say
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import Textures, find_textures
from rugged.corruptions.textures import ProceduralFrostWarning
from rugged.data import Dataset
from rugged.engine import Device, make_fabric
from rugged.playground.pictures import samples
from rugged.playground.players import open_players, side_for_drops

if TYPE_CHECKING:
    from rugged.playground.page import Stage

LOCALHOST = "127.0.0.1"
_PORTS = range(7860, 7960)  # Gradio's own: where no port is named, the first free one.
_SAMPLES = 20
_LEFT = 600  # Seconds after which nobody comes any more for what was uploaded.
_SWEEP = 60  # Seconds between two looks for that.


def play(
    models: Sequence[str],
    dataset: Dataset,
    *,
    host: str = LOCALHOST,
    port: int | None = None,
    open_browser: bool = False,
    device: Device = "auto",
    textures: str | None = None,
    restorer: Path | None = None,
) -> None:
    """Serve the playground until SIGINT or SIGTERM comes.

    Nothing outside this machine is asked for anything, and what is written lies in a temporary folder that goes with
    the server.

    Args:
        models: One or more, as ``rugged.engine.open_subject`` takes them.
        dataset: Where samples come from.
        host: Address to listen on.
        port: None takes the first free one from 7860.
        open_browser: Open the page in a browser.
        device: Where the models run.
        textures: For frost, as ``rugged.corruptions.find_textures`` takes them.
        restorer: File or run folder of a restorer; the models see each corrupted picture restored, too.

    Raises:
        ConfigError: Gradio is not installed, or nobody can listen there.
        ModelError: A model or the restorer cannot be loaded, or answers for other classes.
        Interrupted: The signal, with the exit status that follows from it.
    """
    require_gradio()
    port = _free_port(host, port)
    with TemporaryDirectory(prefix="rugged-playground-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # Before Gradio is imported: it fixes some of its paths then.
        stage = _make_stage(models, dataset, device, textures, restorer)
        signals = stop_on_signal("Closing the page", "The playground has ended.")
        with signals as stop, _served(stage, host, port) as address:
            if not _is_local(host):
                say(f"Warning: everybody who reaches {host} can use this page; there is no password.")
            print(address, flush=True)
            say("Ctrl-C ends it.")
            if open_browser and _has_screen():
                webbrowser.open(address)
            swept = time.monotonic()
            while stop.signal_number is None:
                time.sleep(0.1)
                if time.monotonic() - swept > _SWEEP:
                    _sweep(Path(folder))
                    swept = time.monotonic()


def _sweep(folder: Path) -> None:
    """Delete uploads that nobody took: broken off, refused by Gradio, or of a page that was closed since."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # Whoever takes one deletes it.
            if path.is_file() and time.time() - path.stat().st_mtime > _LEFT:
                path.unlink()


def require_gradio() -> None:
    """Say how to get Gradio where it is missing, before anything takes time.

    Raises:
        ConfigError: It is missing.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ConfigError(f"gradio is not installed. {how_to_install('playground')}.")


def _make_stage(
    models: Sequence[str], dataset: Dataset, device: Device, textures: str | None, restorer: Path | None
) -> "Stage":
    from rugged.playground.page import Stage

    fabric = make_fabric(device, "fp32", tuned=False)
    players = open_players(models, dataset, fabric)
    opened = open_restorers([restorer], fabric)[0] if restorer else None
    side = side_for_drops(players, dataset)
    return Stage(players, samples(dataset, _SAMPLES), side, _textures(textures), opened)


def _textures(choice: str | None) -> Textures:
    """Without a download; that frost is procedural stands on the page wherever it is shown."""
    with warnings.catch_warnings(action="ignore", category=ProceduralFrostWarning):
        return find_textures(choice)


@contextmanager
def _served(stage: "Stage", host: str, port: int) -> Iterator[str]:
    """Serve in a thread for the length of the block, which is given the page's address."""
    from rugged.playground.page import build, launch

    # Gradio asks its own server whether it is there. A proxy could not tell.
    os.environ["no_proxy"] = ",".join(filter(None, (getproxies().get("no"), LOCALHOST, "localhost", host)))
    page = build(stage)
    try:
        yield launch(page, f"[{host}]" if ":" in host else host, port)
    finally:
        page.close(verbose=False)


def _free_port(host: str, port: int | None) -> int:
    """The port that was asked for, or the first free one, if this machine can listen there.

    Raises:
        ConfigError: It cannot.
    """
    reason = None
    for candidate in _PORTS if port is None else (port,):
        try:
            family, _, _, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
            with socket.create_server(address[:2], family=family):
                return candidate
        except socket.gaierror as error:
            reason = error.strerror
            break
        except UnicodeError:  # Before anybody is asked: an empty label, or one of more than 63 letters.
            reason = "no host can have this name"
            break
        except OSError as error:
            reason = os.strerror(error.errno or 0)  # Its own text names the address again.
    where = f"{host}, port {port or f'{_PORTS[0]} to {_PORTS[-1]}'}"
    raise ConfigError(f"Cannot listen on {where}: {reason}. Choose another --port, or leave --port and --host out.")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_screen() -> bool:
    """Whether a browser would get a window: without one a text browser would take the terminal."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
