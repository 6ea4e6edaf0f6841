"""PixMix: training pictures mixed with fractals and with altered copies of themselves."""

from collections.abc import Callable

import torch
from torch import Tensor

from rugged.core.errors import ConfigError
from rugged.corruptions.host import send
from rugged.train.augmentations.picking import take


def pixmix(
    images: Tensor,
    mixers: Tensor,
    augment: Callable[[Tensor], Tensor],
    *,
    rounds: int = 4,
    beta: float = 3.0,
    probability: float = 1.0,
) -> Tensor:
    """Mix each picture with a fractal and with augmented copies of itself, a few times over.

    A picture, or as likely an augmented copy of it, is mixed up to ``rounds`` times with a window of a fractal, or as
    likely with another augmented copy: by a weighted sum, or as likely a weighted product. The number of rounds is
    uniform from 0 to ``rounds``; a picture stays with one window.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        mixers: ``(M, 3, h, w)`` uint8 on the images' device, at least as high and wide as they are: where larger, each
            picture gets a window at random.
        augment: Makes an augmented copy of each picture of a batch, uint8 to uint8.
        rounds: Most rounds of mixing, at least 0.
        beta: From 0.1 on. The larger, the less of what is mixed in: 1 / (1 + beta) of it in the mean.
        probability: Of treating a picture at all.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Raises:
        ConfigError: The mixers are smaller than the images, which is for the caller to prevent.

    Source: Hendrycks et al. 2022 (arXiv:2112.05135) and the method they released.
    """
    _check(images, mixers)
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    treated = (torch.rand(len(images)) < probability).nonzero().flatten()
    lengths, order = torch.randint(rounds + 1, treated.shape).sort(descending=True)
    treated = treated[order]  # The longest come first, so that the first ones take part in a round.
    copied = torch.rand(rounds + 1, len(treated)) < 0.5  # in the beginning and in each round
    copied[1:] &= torch.arange(rounds)[:, None] < lengths
    result = images.clone(memory_format=torch.contiguous_format)
    wanted = treated[copied.nonzero()[:, 1]]
    copies = augment(take(result, wanted)) if len(wanted) else result[:0]
    parts = torch.split(copies, copied.sum(1).tolist())
    levels, windows = take(result, treated).float(), _windows(mixers, len(treated), *images.shape[2:])
    _put(levels, copied[0], parts[0])
    for step in range(1, rounds + 1):
        active = int((lengths >= step).sum())
        partners = windows[:active].float()
        _put(partners, copied[step, :active], parts[step])
        levels[:active] = _mix(levels[:active], partners, beta)
    result[send(treated, images.device)] = levels.round_().to(torch.uint8)
    return result


def _check(images: Tensor, mixers: Tensor) -> None:
    if mixers.shape[2] < images.shape[2] or mixers.shape[3] < images.shape[3]:
        raise ConfigError(
            f"PixMix mixes pictures with others at least as large, but these are {tuple(images.shape[2:])} pixels high "
            f"and wide and the mixers {tuple(mixers.shape[2:])}. It enlarges neither: its caller has to draw larger "
            "fractals, or to resize the pictures first."
        )


def _put(levels: Tensor, where: Tensor, copies: Tensor) -> None:
    """Replace pictures by the copies that are there for them."""
    levels[send(where.nonzero().flatten(), levels.device)] = copies.float()


def _windows(mixers: Tensor, count: int, height: int, width: int) -> Tensor:
    """Cut windows of one size at random places of random pictures: ``(count, 3, height, width)`` uint8."""
    every = mixers.unfold(2, height, 1).unfold(3, width, 1)  # A view: (M, 3, rows, columns, height, width).
    which, top, left = (
        torch.randint(choices, (count,), device=mixers.device) for choices in (len(mixers), *every.shape[2:4])
    )
    return every[which, :, top, left]


def _mix(levels: Tensor, partners: Tensor, beta: float) -> Tensor:
    """Add or multiply pictures, with weights of their own: floats from 0 to 255, ``(N, 3, H, W)`` each."""
    own, other = _weights(len(levels), beta, levels.device)
    adding = torch.rand(len(levels)) < 0.5
    for chosen, operation in ((adding, _add), (~adding, _multiply)):
        places = send(chosen.nonzero().flatten(), levels.device)
        some = (values.index_select(0, places) for values in (levels, partners, own, other))
        levels[places] = operation(*some)
    return levels.clamp_(0, 255)


def _weights(count: int, beta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw weights of pictures and of what is mixed into them, ``(count, 1, 1, 1)`` each.

    Half of the pictures are between the two: Beta(beta, 1) of the one, Beta(1, beta) of the other. The other half are
    carried away from what is mixed in: 1 + Beta(1, beta) and -Beta(1, beta).
    """
    # Beta(beta, 1) and Beta(1, beta) have the distribution functions x^beta and 1 - (1 - x)^beta. Never zero: 1 - rand.
    large, small, more = (1 - torch.rand(3, count, 1, 1, 1, device=device)).pow(1 / beta)
    between = torch.rand(count, 1, 1, 1, device=device) < 0.5
    return torch.where(between, large, 2 - more), torch.where(between, 1 - small, small - 1)


def _add(levels: Tensor, partners: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """Weigh and add distances from middle grey."""
    return (levels * own).add_(partners.mul_(other)).add_((1 - own - other) * 127.5)


def _multiply(levels: Tensor, partners: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """Raise to powers and multiply, in units of middle grey."""
    # By logarithms, which is faster than two powers. Black to a negative power must stay finite.
    powers = levels.div(127.5).log_().mul_(own)
    return powers.add_(partners.div_(127.5).clamp_(min=1e-37).log_().mul_(other)).exp_().mul_(127.5)
