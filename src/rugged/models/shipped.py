"""Models that come with rugged, and where any model that is named lies."""

from importlib import resources
from pathlib import Path

from rugged.core.files import expanded
from rugged.models.hub import fetched

DEFAULT = "tiny-imagenet-resnet18"
"""What answers where no model is named: a ResNet-18 for Tiny ImageNet's 200 classes."""


def shipped_models() -> dict[str, Path]:
    """The models that come with rugged, by name."""
    folder = Path(str(resources.files("rugged") / "weights"))
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def located(model: str | Path) -> str | Path:
    """A model on this machine, where it has a file of its own.

    Args:
        model: What commands take. A shipped model is meant by its name unless something of that name lies here.

    Returns:
        The file of a shipped model; that of ``hf://user/name``, fetched once; anything else as it is, but for ``~``.

    Raises:
        ModelError: As for ``fetched``.
    """
    path = shipped_models().get(str(model))
    if path is not None and not Path(model).exists():
        return path
    return expanded(model) if str(model).startswith("~") else fetched(model)
