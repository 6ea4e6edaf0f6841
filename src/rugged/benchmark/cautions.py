"""What a reader must know before believing figures of a model on a data set."""

from rugged.core.files import read_json
from rugged.data import Dataset
from rugged.engine.subject import Subject


def cautions(subject: Subject, dataset: Dataset) -> list[str]:
    """Warnings: of the model, of pictures that are corrupted already, or that it may have been trained on."""
    found = [subject.note] if subject.note else []
    if dataset.corruptions:
        found.append(
            "The pictures of this data set carry a corruption each already: the figures called clean are of them as "
            "they are, all others are of pictures corrupted twice. Neither is comparable with published numbers."
        )
    content = trained_on(subject)
    if content not in (None, dataset.content_hash):
        found.append(
            f"The model was trained on other data (content {content[:12]}…, here {dataset.content_hash[:12]}…). If "
            "these validation pictures were among its training pictures, the figures are better than they should be."
        )
    return found


def trained_on(subject: Subject) -> str | None:
    """The content hash of the data that a model was trained on; None where its folder does not say."""
    home = subject.home
    manifest = read_json(home.manifest) if home is not None and home.manifest.exists() else None
    content: str | None = manifest.get("dataset", {}).get("content_hash") if isinstance(manifest, dict) else None
    return content
