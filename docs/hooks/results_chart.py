"""Draws `images/results.svg`, clean against corrupted accuracy of the networks in `results/`: run it as a script."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from rugged.report.charts import Axis, Frame
from rugged.results import read_summary

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "results"

FRAME = Frame(width=760, height=470, left=52, right=20, top=20, bottom=48)
X = Axis(0.15, 0.65, tuple((tick / 100, str(tick)) for tick in range(15, 70, 5)))
Y = Axis(0.10, 0.55, tuple((tick / 100, str(tick)) for tick in range(10, 60, 5)))

GROUPS = ("with ImageNet weights, fine-tuned", "ResNet-18 from scratch, on a GPU", "from scratch, on two cores")
COLOURS = ("#1f6fb4", "#b8480f", "#3f7a3a", "#555")  # Of the groups, and of the key.

TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ f.width }} {{ f.height }}" font-family="system-ui, sans-serif" font-size="12.5">
<title>Clean against corrupted top-1 accuracy</title>
<rect width="100%" height="100%" fill="#fff"/>
<defs>{% for colour in colours %}<marker id="head{{ loop.index0 }}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1L9 5L0 9z" fill="{{ colour }}"/></marker>{% endfor %}</defs>
<g stroke="#e3e3e3">{% for value, _ in y.ticks %}<path d="M{{ f.left }} {{ f.y(y, value) }}H{{ f.width - f.right }}"/>{% endfor %}{% for value, _ in x.ticks %}<path d="M{{ f.x(x, value) }} {{ f.top }}V{{ f.height - f.bottom }}"/>{% endfor %}</g>
<path d="M{{ f.x(x, 0.2) }} {{ f.y(y, 0.2) }}L{{ f.x(x, 0.55) }} {{ f.y(y, 0.55) }}" stroke="#999" stroke-dasharray="5 4" fill="none"/>
<text x="{{ f.x(x, 0.31) }}" y="{{ f.y(y, 0.32) }}" fill="#666" text-anchor="end">nothing lost under corruption</text>
<g fill="#444">{% for value, word in y.ticks %}<text x="{{ f.left - 8 }}" y="{{ f.y(y, value) + 4 }}" text-anchor="end">{{ word }}</text>{% endfor %}{% for value, word in x.ticks %}<text x="{{ f.x(x, value) }}" y="{{ f.height - f.bottom + 18 }}" text-anchor="middle">{{ word }}</text>{% endfor %}
<text x="{{ (f.left + f.width - f.right) / 2 }}" y="{{ f.height - 10 }}" text-anchor="middle">top-1 % on clean pictures</text>
<text transform="translate(14 {{ (f.top + f.height - f.bottom) / 2 }}) rotate(-90)" text-anchor="middle">top-1 %, mean of fifteen corruptions at five severities</text></g>
{% for network, places in marks %}
{% set here = places[0] %}
<g fill="{{ colours[network.group] }}">
{% if places[1:] %}
<path d="M{{ here[0] }} {{ here[1] }}L{{ places[1][0] }} {{ places[1][1] }}" stroke="{{ colours[network.group] }}" stroke-width="1.4" marker-end="url(#head{{ network.group }})"/>
{% endif %}
<circle cx="{{ here[0] }}" cy="{{ here[1] }}" r="4.2"/>
<text x="{{ here[0] + network.shift[0] }}" y="{{ here[1] + network.shift[1] }}" text-anchor="{{ network.anchor }}">{{ network.label }}</text>
</g>
{% endfor %}
<g>{% for name in groups %}<circle cx="{{ f.left + 16 }}" cy="{{ f.top + 16 + 19 * loop.index0 }}" r="4.2" fill="{{ colours[loop.index0] }}"/><text x="{{ f.left + 28 }}" y="{{ f.top + 20 + 19 * loop.index0 }}" fill="#222">{{ name }}</text>{% endfor %}
<path d="M{{ f.left + 8 }} {{ f.top + 73 }}h16" stroke="#555" stroke-width="1.4" marker-end="url(#head3)"/><text x="{{ f.left + 28 }}" y="{{ f.top + 77 }}" fill="#222">learned from corrupted pictures instead of clean ones</text></g>
</svg>
"""  # noqa: E501


@dataclass(frozen=True)
class Network:
    """A network: ``folders`` of what learned from clean pictures and, where there is one, from corrupted ones.

    ``label`` stands ``shift`` units away from its point.
    """

    folders: tuple[str, ...]
    label: str
    group: int
    shift: tuple[int, int] = (9, 4)
    anchor: str = "start"


NETWORKS = (
    Network(("squeezenet-b", "squeezenet-c"), "SqueezeNet", 0),
    Network(("tiny-imagenet-squeezenet",), "finetune_robust", 0, (-9, 4), "end"),
    Network(("tiny-imagenet-resnet18",), "rugged64_open, 30 epochs", 1, (-9, 4), "end"),
    Network(("h200-rugged64_open",), "rugged64_open, 16 epochs", 1, (9, 0)),
    Network(("h200-scratch64",), "scratch64, 16 epochs", 1, (-2, -9), "middle"),
    Network(("h200-rugged64",), "rugged64, 16 epochs", 1, (-9, 8), "end"),
    Network(("alexnet64",), "AlexNet, 12 epochs", 2),
    Network(("alexnet-b", "alexnet-c"), "AlexNet", 2, (9, 10)),
    Network(("resnet18-b", "resnet18-c"), "ResNet-18", 2, (-9, 10), "end"),
    Network(("densenet121-b", "densenet121-c"), "DenseNet-121", 2),
    Network(("efficientnet_b0-b", "efficientnet_b0-c"), "EfficientNet-b0", 2),
    Network(("efficientnet_b1-b", "efficientnet_b1-c"), "EfficientNet-b1", 2, (9, 3)),
)


def place(folder: str) -> tuple[float, float]:
    """Where a network stands in the chart."""
    summary = read_summary(RESULTS / folder / "benchmark" / "summary.json")
    assert summary.mean_corruption_accuracy is not None
    return FRAME.x(X, 1 - summary.clean.error), FRAME.y(Y, summary.mean_corruption_accuracy)


def draw() -> str:
    """The chart as SVG."""
    marks = [(network, [place(folder) for folder in network.folders]) for network in NETWORKS]
    template = Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE)
    return template.render(f=FRAME, x=X, y=Y, groups=GROUPS, colours=COLOURS, marks=marks) + "\n"


if __name__ == "__main__":
    (DOCS / "images" / "results.svg").write_text(draw(), encoding="utf-8")
