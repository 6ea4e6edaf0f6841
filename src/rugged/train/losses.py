"""Losses in float32, whatever precision the network computes in."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with the true class or with a distribution over classes, averaged over the batch.

    Smoothing mixes any target with the uniform distribution. It is linear, so targets mixed by
    ``rugged.train.mixing.mix`` are smoothed here as if each picture's own target had been before.

    Args:
        logits: ``(N, C)``, any floating type.
        targets: ``(N,)`` int64 classes, or ``(N, C)`` float32 distributions.
        label_smoothing: Weight of the uniform distribution, 0 to 1.

    Returns:
        Scalar float32, in nats.
    """
    return functional.cross_entropy(logits.float(), targets, label_smoothing=label_smoothing)


def jensen_shannon(views: Sequence[Tensor]) -> Tensor:
    """How much a network's answers to several views of the same pictures differ, averaged over the batch.

    The Jensen-Shannon divergence of V distributions: the mean of their divergences from their mean. AugMix adds it to
    the first view's cross-entropy, for one clean view and two augmented, with weight 12 (Hendrycks et al. 2020,
    arXiv:1912.02781).

    Args:
        views: V tensors ``(N, C)`` of logits, any floating type.

    Returns:
        Scalar float32 from 0 to ln V, in nats.
    """
    log_p = torch.stack([logits.float().log_softmax(1) for logits in views])
    # In the domain of logarithms nothing underflows, so no probability has to be held above zero.
    log_mean = log_p.logsumexp(0) - math.log(len(views))
    return (log_p.exp() * (log_p - log_mean)).sum(2).mean()
