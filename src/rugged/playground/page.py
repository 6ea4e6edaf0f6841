"""The Gradio page: what stands where, and what happens when."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rugged.benchmark.variants import Opened
from rugged.core.catalogue import ALL, SEVERITIES, display_name
from rugged.core.errors import DataError, RuggedError
from rugged.corruptions import Textures
from rugged.playground.drawing import draw_head, draw_look, draw_problem, draw_samples, style
from rugged.playground.looking import look
from rugged.playground.pictures import MOST_BYTES, Picture, read_picture
from rugged.playground.players import Player

_WAITING = 32  # Events that may wait for their turn; whoever comes later is told that the page is busy.
_SESSIONS = 100  # Open pages whose pictures are kept in memory.
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_CHOOSE = """
element.addEventListener("click", (event) => {
  const chosen = event.target.closest("button[data-sample]");
  if (!chosen) return;
  for (const one of element.querySelectorAll("button[data-sample]")) one.setAttribute("aria-pressed", one === chosen);
  trigger("choose", { index: Number(chosen.dataset.sample) });
});
"""


@dataclass(frozen=True, eq=False)
class Stage:
    """What the page plays with.

    Attributes:
        players: The models.
        samples: Pictures to take; the first is shown at the start.
        side: To which square a dropped picture is fitted.
        textures: For frost.
        restorer: What restores corrupted pictures, where that was asked for.
    """

    players: tuple[Player, ...]
    samples: Sequence[Picture]
    side: int
    textures: Textures
    restorer: Opened | None = None

    def draw(self, picture: Picture, corruption: str, severity: int, seed: int) -> str:
        """What is seen of a picture, as HTML."""
        return draw_look(look(self.players, picture, corruption, severity, seed, self.textures, self.restorer))

    def show(self, picture: Picture, corruption: str, severity: int, seed: int | None) -> str:
        """The same, or why nothing can be seen. An empty field of the seed counts as 0."""
        try:
            return self.draw(picture, corruption, severity, seed or 0)
        except RuggedError as error:
            return draw_problem(str(error))

    def take(self, file: str) -> tuple[Picture | None, str]:
        """What was dropped, and what is wrong with it. The file is gone afterwards."""
        path = Path(file)
        try:
            with path.open("rb") as stream:  # Gradio takes no larger one; whatever lies there, no more is read.
                return read_picture(stream.read(MOST_BYTES + 1), path.name, self.side), ""
        except FileNotFoundError:  # Uploads are stored by content: who dropped the same one before has removed it.
            return None, f"{path.name} was dropped in two windows at once. Drop it here again."
        except DataError as error:
            return None, str(error)
        finally:
            path.unlink(missing_ok=True)


def build(stage: Stage) -> gr.Blocks:
    """Lay out the page; nothing is served yet."""
    first, severity, seed = stage.samples[0], 3, 0
    page = gr.Blocks(title="rugged playground", analytics_enabled=False, fill_width=True)
    with page:
        picture = gr.State(first)
        gr.HTML(draw_head(stage.players))
        with gr.Row(elem_id="bench"):
            with gr.Column(scale=1, min_width=300, elem_id="controls"):
                kind = gr.Dropdown([(display_name(name), name) for name in ALL], value=ALL[0], label="Corruption")
                level = gr.Slider(
                    0, SEVERITIES[-1], value=severity, step=1, label="Severity", buttons=[], elem_id="level"
                )
                with gr.Row(equal_height=True):
                    draw = gr.Number(seed, label="Seed", precision=0, min_width=100)
                    another = gr.Button("Another draw", min_width=100, elem_id="another")
                drop = gr.File(label="Your picture", file_types=["image"], height=125, elem_id="drop")
                problem = gr.HTML(draw_problem(""), elem_id="problem")
                samples = gr.HTML(draw_samples(stage.samples, 0), js_on_load=_CHOOSE)
            with gr.Column(scale=3, min_width=320):
                view = gr.HTML(stage.draw(first, ALL[0], severity, seed), elem_id="view")

        def choose(event: gr.EventData) -> tuple[Picture, str]:
            return stage.samples[event.index], draw_problem("")

        def take(file: str | None, before: Picture) -> tuple[Picture, None, str, str | dict[str, object]]:
            taken, wrong = stage.take(file) if file else (None, "")
            unpressed = gr.skip() if taken is None else draw_samples(stage.samples, None)
            return taken or before, None, draw_problem(wrong), unpressed

        show: dict[str, Any] = {"fn": stage.show, "inputs": [picture, kind, level, draw], "outputs": view}
        # One thing at a time, whoever asks: a model at work takes the machine, and a large picture its memory.
        quiet: dict[str, Any] = {
            "show_progress": "hidden",
            "api_visibility": "private",
            "concurrency_id": "one at a time",
        }
        another.click(lambda before: (before or 0) + 1, draw, draw, **quiet)
        gr.on([kind.change, level.change, draw.change], **show, trigger_mode="always_last", **quiet)
        samples.choose(choose, None, [picture, problem], **quiet).then(**show, **quiet)
        drop.upload(take, [drop, picture], [picture, drop, problem, samples], **quiet).then(**show, **quiet)
    page.queue(max_size=_WAITING, default_concurrency_limit=1)
    return page


def launch(page: gr.Blocks, host: str, port: int) -> str:
    """Serve a page in a thread, to this machine or who reaches it, and tell nobody else.

    Returns:
        Its address.
    """
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        max_file_size=MOST_BYTES,
        state_session_capacity=_SESSIONS,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=_theme(),
        css=style(),
    )
    return address


def _theme() -> gr.themes.Base:
    """Plain, with fonts that every system has, and grey text that can be read."""
    plain = gr.themes.Base(font=_FONTS, font_mono=("ui-monospace", "Menlo", "Consolas", "monospace"))
    return plain.set(body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400")
