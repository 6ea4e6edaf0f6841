"""Draws `images/results.svg`, clean against corrupted accuracy of the networks in `results/`: run it as a script."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from rugged.report.charts import Axis, Frame
from rugged.results import Summary, read_summary

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "results"

FRAME = Frame(width=760, height=470, left=52, right=20, top=20, bottom=48)
X = Axis(0.15, 0.70, tuple((tick / 100, str(tick)) for tick in range(15, 75, 5)))
Y = Axis(0.10, 0.55, tuple((tick / 100, str(tick)) for tick in range(10, 60, 5)))

FINE_TUNED, GPU, CORES = "with ImageNet weights, fine-tuned", "from scratch, on a GPU", "from scratch, on two cores"
LOOKS = {FINE_TUNED: ("#1f6fb4", "circle"), GPU: ("#b8480f", "square"), CORES: ("#3f7a3a", "triangle")}

TEMPLATE = """\
{% macro mark(kind, point, hollow=false) %}
{% set x, y = point %}
{% set fill = ' fill="#fff" stroke="currentColor" stroke-width="1.4"' if hollow else ' fill="currentColor"' %}
{% if kind == "circle" %}<circle cx="{{ x }}" cy="{{ y }}" r="4.2"{{ fill | safe }}/>
{% elif kind == "square" %}<rect x="{{ x - 4 }}" y="{{ y - 4 }}" width="8" height="8"{{ fill | safe }}/>
{% else %}<path d="M{{ x }} {{ y - 5 }}l4.8 8.4h-9.6z"{{ fill | safe }}/>
{% endif %}
{% endmacro %}
{% macro step(kind, start, end) %}
<path d="M{{ start | join(" ") }}L{{ end | join(" ") }}" stroke="currentColor" stroke-width="1.4"/>
{{ mark(kind, end, hollow=true) }}
{% endmacro %}
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ f.width }} {{ f.height }}" font-family="system-ui, sans-serif" font-size="12.5">
<title>Clean against corrupted top-1 accuracy</title>
<rect width="100%" height="100%" fill="#fff"/>
<g stroke="#e3e3e3">
{% for value, _ in y.ticks %}
<path d="M{{ f.left }} {{ f.y(y, value) }}H{{ f.width - f.right }}"/>
{% endfor %}
{% for value, _ in x.ticks %}
<path d="M{{ f.x(x, value) }} {{ f.top }}V{{ f.height - f.bottom }}"/>
{% endfor %}
</g>
<path d="M{{ f.x(x, 0.15) }} {{ f.y(y, 0.15) }}L{{ f.x(x, 0.55) }} {{ f.y(y, 0.55) }}" stroke="#999" stroke-dasharray="5 4"/>
<text x="{{ f.x(x, 0.355) }}" y="{{ f.y(y, 0.365) }}" fill="#666" text-anchor="end">nothing lost under corruption</text>
<g fill="#444">
{% for value, word in y.ticks %}
<text x="{{ f.left - 8 }}" y="{{ f.y(y, value) + 4 }}" text-anchor="end">{{ word }}</text>
{% endfor %}
{% for value, word in x.ticks %}
<text x="{{ f.x(x, value) }}" y="{{ f.height - f.bottom + 18 }}" text-anchor="middle">{{ word }}</text>
{% endfor %}
<text x="{{ (f.left + f.width - f.right) / 2 }}" y="{{ f.height - 10 }}" text-anchor="middle">top-1 % on clean pictures</text>
<text transform="translate(14 {{ (f.top + f.height - f.bottom) / 2 }}) rotate(-90)" text-anchor="middle">top-1 % on the same with one random corruption each</text>
</g>
{% for network, places in networks %}
{% set colour, kind = looks[network.group] %}
<g color="{{ colour }}">
{% if places[1:] %}
{{ step(kind, places[0], places[1]) }}
{% endif %}
{{ mark(kind, places[0]) }}
<text x="{{ places[0][0] + network.shift[0] }}" y="{{ places[0][1] + network.shift[1] }}" text-anchor="{{ network.anchor }}" fill="currentColor">{{ network.label }}</text>
</g>
{% endfor %}
{% for name, (colour, kind) in looks.items() %}
{% set line = f.top + 16 + 19 * loop.index0 %}
<g color="{{ colour }}">{{ mark(kind, (f.left + 19, line)) }}</g>
<text x="{{ f.left + 40 }}" y="{{ line + 4 }}" fill="#222">{{ name }}</text>
{% endfor %}
{% set line = f.top + 16 + 19 * looks | length %}
<g color="#555">{{ step("circle", (f.left + 10, line), (f.left + 28, line)) }}{{ mark("circle", (f.left + 10, line)) }}</g>
<text x="{{ f.left + 40 }}" y="{{ line + 4 }}" fill="#222">the same one, learned from corrupted pictures</text>
</svg>
"""  # noqa: E501


@dataclass(frozen=True)
class Network:
    """A network: ``folders`` of what learned from clean pictures and, where there is one, from corrupted ones.

    ``label`` stands ``shift`` units away from its point.
    """

    folders: tuple[str, ...]
    label: str
    group: str
    shift: tuple[int, int] = (9, 4)
    anchor: str = "start"


NETWORKS = (
    Network(("squeezenet-b", "squeezenet-c"), "SqueezeNet", FINE_TUNED),
    Network(("tiny-imagenet-squeezenet",), "SqueezeNet, finetune_robust", FINE_TUNED),
    Network(("tiny-imagenet-resnet18",), "ResNet-18, rugged64_open", GPU, (0, -9), "middle"),
    Network(("alexnet64",), "AlexNet, 12 epochs", CORES),
    Network(("alexnet-b", "alexnet-c"), "AlexNet", CORES, (9, 10)),
    Network(("resnet18-b", "resnet18-c"), "ResNet-18", CORES, (-9, 10), "end"),
    Network(("densenet121-b", "densenet121-c"), "DenseNet-121", CORES),
    Network(("efficientnet_b0-b", "efficientnet_b0-c"), "EfficientNet-b0", CORES),
    Network(("efficientnet_b1-b", "efficientnet_b1-c"), "EfficientNet-b1", CORES, (9, 5)),
)


def whole_set(folder: str) -> tuple[Summary, Summary]:
    """A network's summaries of all 10,000 pictures: clean, and with one random corruption each."""
    benchmark = RESULTS / folder / "benchmark"
    clean = next(benchmark.glob("clean*-10000.json"), benchmark / "summary.json")
    return read_summary(clean), read_summary(benchmark / "mixed-10000.json")


def place(folder: str) -> tuple[float, float]:
    """Where a network stands in the chart."""
    clean, mixed = whole_set(folder)
    return FRAME.x(X, 1 - clean.clean.error), FRAME.y(Y, 1 - mixed.clean.error)


def draw() -> str:
    """The chart as SVG."""
    networks = [(network, [place(folder) for folder in network.folders]) for network in NETWORKS]
    template = Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE)
    return template.render(f=FRAME, x=X, y=Y, looks=LOOKS, networks=networks) + "\n"


if __name__ == "__main__":
    (DOCS / "images" / "results.svg").write_text(draw(), encoding="utf-8")
