"""Devices and precision, through Lightning Fabric: the only file that imports it."""

import logging
from typing import Any, Literal

import torch
from lightning.fabric import Fabric

from rugged.core.environment import hardware
from rugged.core.errors import ConfigError

__all__ = ["Device", "Fabric", "Precision", "describe", "has_fast_bf16", "make_fabric"]

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]

# What Fabric announces at the start, precision and device, stands in the manifest. It speaks through either logger.
for _name in ("lightning.fabric", "lightning.pytorch"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_FABRIC_PRECISION: dict[str, Any] = {"fp32": "32-true", "bf16": "bf16-mixed"}


def make_fabric(device: Device = "auto", precision: Precision = "auto") -> Fabric:
    """Choose a device and the precision of matrix products and convolutions; weights stay in float32.

    Args:
        device: ``auto`` takes a GPU where there is one.
        precision: ``auto`` takes bf16 where the hardware computes in it, else fp32.

    Raises:
        ConfigError: A device this machine lacks.
    """
    chosen = _available_device(device)
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(chosen) else "fp32"
    # Left alone, convolutions on recent GPUs round float32 to 10 bits of mantissa, and "fp32" would not be true.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    return Fabric(accelerator=chosen, devices=1, precision=_FABRIC_PRECISION[precision])


def _available_device(device: Device) -> str:
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[device]:
        found = ", ".join(name for name, there in present.items() if there)
        raise ConfigError(f"There is no {device} device here; found: {found}. Use --device auto.")
    return device


def has_fast_bf16(device: str) -> bool:
    """Whether the device computes in bf16 itself, rather than by converting to float32 and back."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    if device == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def describe(fabric: Fabric) -> dict[str, Any]:
    """The hardware and precision behind a result, for its manifest."""
    names = {precision: name for name, precision in _FABRIC_PRECISION.items()}
    accelerator = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else fabric.device.type
    return {
        **hardware(),
        "accelerator": "none" if accelerator == "cpu" else accelerator,
        "threads": torch.get_num_threads(),
        "precision": names[fabric._precision.precision],
    }
