"""Devices and precision, through Lightning Fabric: the only file that imports it."""

import atexit
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric as Fabric  # Handed on.
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from rugged.core.devices import Device, Precision
from rugged.core.environment import hardware, versions
from rugged.core.errors import ConfigError, RunError
from rugged.core.memory import NETWORKS, keep_freed_memory
from rugged.core.progress import say
from rugged.results.conditions import DECIDING_HARDWARE

T = TypeVar("T")

# What Fabric announces at the start, precision and device, stands in the manifest.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

_FABRIC_PRECISION: dict[str, Any] = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def make_fabric(
    device: Device = "auto",
    precision: Precision = "auto",
    *,
    deterministic: bool = False,
    tuned: bool = True,
    keep_memory: bool = False,
) -> Fabric:
    """Choose devices and the precision of matrix products and convolutions; weights stay in float32.

    Sets PyTorch's switches of the whole process for cuDNN and TF32, which have no others. `infer` and restorers
    compute `in_precision`, and mind no later change of them.

    Started by ``torchrun``, the process joins the others, each with a device of its own, on one machine or many.

    Args:
        device: ``auto`` takes a GPU where there is one.
        precision: ``auto`` takes bf16 where the hardware computes in it, else fp32. ``fp16`` needs a CUDA GPU.
        deterministic: Use only algorithms that give the same bits every time, where a device has faster ones: from now
            on, until the caller takes it back.
        tuned: Let a GPU try which convolutions are fastest for the sizes at hand. Another day it may come to others,
            which differ in the last bits.
        keep_memory: On a CPU, keep what the activations of a batch held for the next one, and whatever else is freed,
            for the rest of the process: for work that it exists for.

    Raises:
        ConfigError: A device or a precision that this machine lacks, or more processes than GPUs.
    """
    chosen = _available_device(device)
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(chosen) else "fp32"
    if precision not in _FABRIC_PRECISION:
        raise ConfigError(f"There is no precision {precision!r}; expected auto, {', '.join(_FABRIC_PRECISION)}.")
    if precision == "fp16" and chosen != "cuda":
        raise ConfigError(f"Precision fp16 needs a CUDA GPU, and this is {chosen}. Use auto, bf16 or fp32.")
    if keep_memory and chosen == "cpu":
        keep_freed_memory(NETWORKS)
    _allow_tf32(convolutions=precision != "fp32", products=precision != "fp32")
    torch.backends.cudnn.benchmark = tuned and not deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # Without it cuBLAS refuses to be deterministic.
    if deterministic:
        torch.use_deterministic_algorithms(True)
    fabric = Fabric(accelerator=chosen, precision=_FABRIC_PRECISION[precision], **_processes(chosen))
    if fabric.world_size > 1:
        _meet_the_others("nccl" if chosen == "cuda" else "gloo")
    fabric.launch()
    if precision == "bf16" and not has_fast_bf16(chosen) and fabric.is_global_zero:
        say("Note: this device emulates bf16, which may take ten times as long. fp32 is faster here.")
    return fabric


@contextmanager
def in_precision(fabric: Fabric) -> Iterator[None]:
    """Compute what is in the block as the fabric promises, whatever others have been made or set since."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    rounded = fabric._precision.precision != _FABRIC_PRECISION["fp32"]
    _allow_tf32(convolutions=rounded, products=rounded)
    try:
        with fabric.autocast():
            yield
    finally:
        _allow_tf32(*before)


def _allow_tf32(convolutions: bool, products: bool) -> None:
    """Say whether GPUs may round float32 to 10 bits of mantissa: left alone, convolutions do, "fp32" or not."""
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def _meet_the_others(backend: str) -> None:
    """Connect to the other processes that ``torchrun`` started."""
    if torch.distributed.is_initialized():
        return
    store, rank, world = next(rendezvous("env://"))
    # After a restart the addresses of the processes that died still stand in torchrun's store.
    store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=world)
    # Threads that still serve the connections as Python ends would abort the process.
    atexit.register(torch.distributed.destroy_process_group)


def _processes(device: str) -> dict[str, Any]:
    """How many processes work together, and where: as ``torchrun`` says in the environment, else this one alone."""
    world, local = (int(os.environ.get(name, 1)) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if world == 1:
        return {"devices": 1}
    if device == "cuda" and local > torch.cuda.device_count():
        raise ConfigError(
            f"torchrun started {local} processes here, and there are {torch.cuda.device_count()} GPUs: "
            "each process needs one. Lower --nproc-per-node."
        )
    # Statistics that are copied about before every pass would be written over while an earlier pass's gradient still
    # needs them. `share_statistics` does it where it matters.
    return {"devices": local, "num_nodes": world // local, "strategy": DDPStrategy(broadcast_buffers=False)}


def _available_device(device: Device) -> str:
    present = ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",)
    if device == "auto":
        return present[0]
    if device not in present:
        raise ConfigError(f"There is no {device} device here; found: {', '.join(present)}. Use --device auto.")
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
        # Which of several kernels PyTorch takes: virtual machines hide behind one name what differs in this.
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "accelerator": "none" if accelerator == "cpu" else accelerator,
        "threads": torch.get_num_threads(),
        "processes": fabric.world_size,
        "precision": names[fabric._precision.precision],
    }


def measured_on(fabric: Fabric) -> dict[str, Any]:
    """What decides the last digits of predictions, for their stamp: the versions, and some of the hardware."""
    found = describe(fabric)
    return {"versions": versions(), "hardware": {key: found[key] for key in DECIDING_HARDWARE}}


def require_same(fabric: Fabric, what: str, value: str) -> None:
    """Have several processes find out whether they have been told the same.

    Raises:
        RunError: They have not; in all of them.
    """
    if fabric.world_size == 1:
        return
    digest = torch.frombuffer(bytearray(sha256(value.encode()).digest()), dtype=torch.uint8).to(fabric.device)
    found = [torch.empty_like(digest) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(found, digest)
    if any(not torch.equal(each, digest) for each in found):
        raise RunError(
            f"The processes differ in {what}. Start all of them by one torchrun command, with the same files."
        )


def by_the_first(fabric: Fabric, work: Callable[[], T]) -> T | None:
    """Have the first of several processes do what one must do, while the others wait; if it fails, all fail.

    Returns:
        What ``work`` returns, in the first process; None in the others.

    Raises:
        Exception: What ``work`` raises, in the first process.
        RunError: It did, in the others.
    """
    if fabric.world_size == 1:
        return work()
    failed = torch.zeros((), device=fabric.device)
    try:
        result = work() if fabric.is_global_zero else None
    except BaseException:
        failed += 1
        raise
    finally:
        torch.distributed.broadcast(failed, 0)
    if failed:
        raise RunError("The first process could not go on; it says why.")
    return result


def share_statistics(fabric: Fabric, model: nn.Module) -> None:
    """Give all processes the first one's batch norm statistics: those that are judged, attacked and saved."""
    if fabric.world_size > 1:
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, 0)


def loss_scale(fabric: Fabric) -> dict[str, Any]:
    """The state of what keeps fp16's gradients from vanishing, for a checkpoint; empty in other precisions."""
    scaler = getattr(fabric._precision, "scaler", None)
    return {} if scaler is None else dict(scaler.state_dict())


def set_loss_scale(fabric: Fabric, state: dict[str, Any]) -> None:
    """Go on with the state from a checkpoint."""
    scaler = getattr(fabric._precision, "scaler", None)
    if scaler is not None and state:
        scaler.load_state_dict(state)
