"""ImageNet-1k's thousand outputs, by the WordNet ids of their classes."""

from collections.abc import Sequence

from timm.data.imagenet_info import ImageNetInfo

from rugged.core.errors import ModelError


def imagenet_indices(wnids: Sequence[str]) -> list[int]:
    """Which of ImageNet-1k's outputs answer for some classes, such as Tiny ImageNet's 200.

    Published networks number the classes of ILSVRC 2012 by the order of their WordNet ids.

    Args:
        wnids: WordNet ids, such as ``n01443537``.

    Returns:
        An output's number for each, 0 to 999: ``logits[:, imagenet_indices(classes)]`` are a network's answers among
        these classes.

    Raises:
        ModelError: Some are not among the thousand.
    """
    outputs = {wnid: index for index, wnid in enumerate(imagenet_names())}
    strange = [wnid for wnid in wnids if wnid not in outputs]
    if strange:
        raise ModelError(
            f"{len(strange)} of {len(wnids)} classes are none of ImageNet-1k's ({', '.join(strange[:3])}). Its "
            "networks answer for WordNet ids such as n01443537: name the classes so, or train a head for yours."
        )
    return [outputs[wnid] for wnid in wnids]


def imagenet_names() -> dict[str, str]:
    """What a person calls the thousand classes, such as ``goldfish``, by WordNet id in the order of the outputs."""
    info = ImageNetInfo("imagenet-1k")
    wnids: list[str] = info.label_names()  # type: ignore[no-untyped-call]
    return {wnid: info.label_name_to_description(wnid).partition(",")[0] for wnid in wnids}
