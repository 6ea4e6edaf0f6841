"""ImageNet weights as torchvision and timm publish them, through their own caches, and what to do without a network."""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import timm
import torch
import torchvision
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.files import sha256_file
from rugged.models.loading import brief

PATIENCE = 10.0
"""Seconds to wait for a server that does not answer. The clients' own retries add up to minutes."""

_HUB_FILES = (
    "model.safetensors",
    "pytorch_model.bin",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Names that timm looks for in a repository. The pickles among them are read without running code."""


def torchvision_weights(name: str) -> Mapping[str, Tensor]:
    """The default published weights of a torchvision network, fetched once and read without running code.

    Args:
        name: As torchvision calls it.

    Raises:
        ModelError: They are not on this machine and cannot be fetched, or the file is damaged.
    """
    weights = torchvision.models.get_model_weights(name).DEFAULT
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    try:
        _require_whole(file)
        with _patience():
            tensors: Mapping[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except Exception as error:  # Of sockets, HTTP, hashes, archives and pickles, each with errors of its own.
        raise _unavailable(f"torchvision/{name} ({weights})", weights.url, file, "TORCH_HOME", error) from error
    return tensors


def _require_whole(file: Path) -> None:
    """Hold a cached file to the hash in its name: the cache's own check is of downloads only."""
    wanted = re.search(r"-([0-9a-f]{8,})\.", file.name)
    if wanted and file.is_file() and not sha256_file(file).startswith(wanted[1]):
        raise ValueError(f"its SHA-256 does not begin with {wanted[1]}, as its name says")


def timm_network(name: str, num_classes: int) -> nn.Module:
    """Build a timm network with its published weights, and a fresh head unless it was made for as many classes.

    Args:
        name: As timm calls it, with or without the tag that chooses among several weights.
        num_classes: Number of outputs.

    Raises:
        ModelError: There are none, or they are not on this machine and cannot be fetched, or the file is damaged.
    """
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    if config is None or not config.has_weights:
        raise ModelError(
            f"timm publishes no weights of {name}. Choose another network, give a local file (model.weights), or "
            "train from scratch (model.pretrained = false)."
        )
    try:
        with _patience():
            _look_once(config)
            model: nn.Module = timm.create_model(name, pretrained=True, num_classes=num_classes)
    except Exception as error:  # As above; and the hub's client changes its HTTP library between releases.
        label = f"timm/{config.architecture}.{config.tag}" if config.tag else f"timm/{config.architecture}"
        raise _unavailable(label, *_timm_place(config), error) from error
    return model


def _look_once(config: Any) -> None:
    """Ask the hub for weights that are not in its cache: one question, where timm's loading would repeat many."""
    if not config.hf_hub_id:
        return
    repository, _, tag = config.hf_hub_id.partition("@")
    revision = tag or None
    names = (config.hf_hub_filename or _HUB_FILES[0], *_HUB_FILES)
    if any(isinstance(try_to_load_from_cache(repository, name, revision=revision), str) for name in names):
        return
    with suppress(EntryNotFoundError):  # The repository is there; timm goes on to the next name.
        get_hf_file_metadata(hf_hub_url(repository, names[0], revision=revision), timeout=PATIENCE)


def _timm_place(config: Any) -> tuple[str, Path, str]:
    """Where weights come from, where they are kept, and the variables that decide it."""
    if not config.hf_hub_id:
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(config.url).path).name
        return config.url, file, "TORCH_HOME"
    repository = config.hf_hub_id.partition("@")[0]
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    return f"{constants.ENDPOINT}/{repository}", folder, "HF_HOME or HF_HUB_CACHE"


@contextmanager
def _patience() -> Iterator[None]:
    """Give up on silent servers: PyTorch's downloads set no limit of their own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _unavailable(weights: str, origin: str, place: Path, variables: str, error: Exception) -> ModelError:
    set_here = [
        f"{name}={os.environ[name]}" for name in (*variables.split(" or "), "HF_HUB_OFFLINE") if os.environ.get(name)
    ]
    here = f"set here: {', '.join(set_here)}" if set_here else "not set here"
    there = place.is_file() or any(path.is_file() for path in (place / "snapshots").rglob("*"))
    damaged = f" Something is there, and may be damaged: delete {place} to fetch it anew." if there else ""
    return ModelError(
        f"The pretrained weights of {weights} could not be loaded or fetched from {origin} "
        f"({brief(error)}). They are kept in {place}, which {variables} can move "
        f"({here}).{damaged} Go online once, so that they are kept there; or copy "
        "that there from a machine that has it; or give a local file (in a benchmark: --weights FILE; in training: "
        "--set model.pretrained=false --set model.weights=FILE); or train from scratch (--set model.pretrained=false)."
    )
