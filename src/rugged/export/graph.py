"""From a network to an ONNX graph that takes pictures as they are stored."""

import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.onnx.utils import register_custom_op_symbolic, unregister_custom_op_symbolic

from rugged.core.errors import ConfigError, ModelError
from rugged.core.hints import how_to_install
from rugged.engine import Network
from rugged.export.operators import OPERATORS
from rugged.models.loading import brief
from rugged.models.spec import to_metadata

OPSET = 18
"""Of ONNX's operators: the first whose Resize can filter as it reduces, which preprocessing does."""

INPUT, OUTPUTS = "images", ("probabilities", "logits")


class Whole(nn.Module):
    """Everything between a stored picture and its probabilities.

    Args:
        network: The network with what it expects.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.module = network.module  # Registered, so that its weights are exported.

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and logits ``(N, classes)`` for ``(N, H, W, 3)`` uint8."""
        logits = self.network.logits(images.permute(0, 3, 1, 2))
        return logits.softmax(1), logits


def to_onnx(network: Network) -> Any:
    """Trace a network with its preprocessing.

    Args:
        network: On the CPU, in evaluation mode.

    Returns:
        An ``onnx.ModelProto`` with the input ``images``, ``(N, H, W, 3)`` uint8 with N, H and W open, the outputs
        ``probabilities`` and ``logits``, and the model's specification in its metadata.

    Raises:
        ConfigError: onnx is not installed.
        ModelError: The network does something that cannot be written as ONNX.
    """
    onnx = require_onnx()
    side = network.spec.input_size
    stream = io.BytesIO()
    # Of another size than the network's input, so that the resizing is traced; then it is there for every size.
    pictures = torch.zeros(2, side + 8, side + 16, 3, dtype=torch.uint8)
    sizes = {INPUT: {0: "batch", 1: "height", 2: "width"}, **{name: {0: "batch"} for name in OUTPUTS}}
    with _tracing():
        try:
            torch.onnx.export(
                Whole(network).eval(), (pictures,), stream,  # type: ignore[arg-type]
                dynamo=False, opset_version=OPSET,
                input_names=[INPUT], output_names=list(OUTPUTS), dynamic_axes=sizes,
            )  # fmt: skip
        except Exception as error:  # The exporter's errors are of many classes, PyTorch's and its own.
            raise ModelError(
                f"{network.spec.architecture} cannot be written as ONNX ({brief(error)}). Choose another architecture; "
                "model.safetensors holds all of it, too."
            ) from error
    graph = onnx.load_from_string(stream.getvalue())
    graph.doc_string = (
        f"{network.spec.architecture}: {INPUT} (N, H, W, 3) uint8, RGB, of any size -> probabilities and logits "
        "(N, classes). Resizing and normalisation are inside. The metadata entry rugged.model is JSON: classes, "
        "class_names, input_size, mean, std, training_operations."
    )
    onnx.helper.set_model_props(graph, to_metadata(network.spec))
    return graph


def require_onnx() -> Any:
    """The package ``onnx``, which writes the files, and ONNX Runtime, which runs them.

    Raises:
        ConfigError: One of them is not installed.
    """
    for name in ("onnxruntime", "onnx"):
        try:
            found = importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(f"{name} is not installed. {how_to_install('onnx')}.") from error
    return found


@contextmanager
def _tracing() -> Iterator[None]:
    """Teach PyTorch's exporter the operators that it lacks, and keep it from talking."""
    for name, symbolic in OPERATORS.items():
        register_custom_op_symbolic(name, symbolic, OPSET)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # One fused operator for attention, which ONNX does not have.
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"), _silent():
            # That another exporter is newer, which needs a package more; and that shapes become constants, as meant.
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for name in OPERATORS:
            unregister_custom_op_symbolic(name, OPSET)


@contextmanager
def _silent() -> Iterator[None]:
    """Close standard output for what is written in C++: on failure the exporter prints the whole graph."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
