"""A second set of batch norms in a network, for pictures whose statistics are not those of clean ones (AdvProp).

Adversarial examples have other means and variances within a network than clean pictures; sharing batch norms between
the two costs accuracy on both. So each batch norm gets a second set of statistics and of scale and shift, while
convolutions and everything else stay shared (Xie et al. 2020, arXiv:1911.09665). The second set learns with the
network and is thrown away at the end.

The second set lies in a child of each batch norm, and is exchanged with the main one for the time of a forward pass:
the layer itself stays what it was, so subclasses with an activation (timm) or synchronised statistics work unchanged,
and the main set keeps its names in the ``state_dict``.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from rugged.core.errors import ModelError

_CHILD = "auxiliary"


class NormSet(nn.Module):
    """A batch norm's parameters and statistics without the layer, copied from it.

    Args:
        norm: The batch norm. Parts that it has not (statistics, scale and shift) are missing here too.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.in_use = False
        for name, parameter in norm.named_parameters(recurse=False):
            self.register_parameter(name, nn.Parameter(parameter.detach().clone(), parameter.requires_grad))
        for name, buffer in norm.named_buffers(recurse=False):
            self.register_buffer(name, buffer.clone())

    def exchange(self, norm: nn.Module) -> None:
        """Trade places with the set that a batch norm works with. Tensors keep their identity, for optimizers."""
        own = [*self.named_parameters(recurse=False), *self.named_buffers(recurse=False)]
        for name, tensor in own:
            setattr(self, name, getattr(norm, name))
            setattr(norm, name, tensor)
        self.in_use = not self.in_use


def split_batch_norms(model: nn.Module) -> None:
    """Give every batch norm of a network a second set, equal to the first to begin with.

    Comes before the optimizer, a deepcopy for averaging and DistributedDataParallel: all must know the second set.

    Args:
        model: Modified; its ``state_dict`` gains ``….auxiliary.…`` beside the names it had.

    Raises:
        ModelError: The network has no batch norm. Training it on adversarial examples would be plain adversarial
            training, which costs accuracy on clean pictures; it must not go by the name of AdvProp.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        raise ModelError(
            f"{type(model).__name__} has no batch norm, and training with adversarial examples (AdvProp) needs a "
            "second set of them. Choose a network with batch norm (such as resnet18), or train without them."
        )
    for norm in norms:
        norm.add_module(_CHILD, NormSet(norm))


@contextmanager
def auxiliary(model: nn.Module) -> Iterator[None]:
    """Have a network work with its second batch norms. What was computed can be differentiated after the context too.

    Within the context, gradients and running statistics go to the second set, and the main one rests; a context
    within another changes nothing. Save and copy the network outside.

    Under DistributedDataParallel with both passes in one step, sum the losses and call ``backward`` once, since each
    parameter is reduced once; and wrap with ``broadcast_buffers=False``, since a broadcast before the second pass
    would overwrite statistics that the first pass's gradient needs. With activation checkpointing ``backward`` must
    run within the context, since it computes the pass once more.

    Args:
        model: Split by ``split_batch_norms``, possibly wrapped since; without a second set nothing happens.
    """
    resting = [(norm, kept) for norm, kept in _second_sets(model) if not kept.in_use]
    for norm, kept in resting:
        kept.exchange(norm)
    try:
        yield
    finally:
        for norm, kept in resting:
            kept.exchange(norm)


def merge_batch_norms(model: nn.Module) -> nn.Module:
    """A copy of a network without second sets, as a model file holds it. The network itself can go on learning."""
    plain = copy.deepcopy(model)
    for norm, _ in list(_second_sets(plain)):
        delattr(norm, _CHILD)
    return plain


def _second_sets(model: nn.Module) -> Iterator[tuple[nn.Module, NormSet]]:
    for module in model.modules():
        kept = module._modules.get(_CHILD)
        if isinstance(kept, NormSet):
            yield module, kept
