"""Models on the Hugging Face hub, fetched and shared through its own client."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from rugged.core.errors import ModelError
from rugged.core.files import sha256_file
from rugged.models.loading import brief
from rugged.models.pretrained import PATIENCE

PREFIX = "hf://"
MODEL_FILE = "model.safetensors"

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetched(model: str | Path) -> str | Path:
    """A model on this machine: what is named ``hf://user/name`` is fetched once; anything else stays as it is.

    Args:
        model: ``hf://user/name``, perhaps with a branch, tag or commit, ``hf://user/name@v1``; or what commands take.

    Returns:
        The path of the repository's ``model.safetensors`` in the hub's own cache, of the size and, where the hub gives
        it, the SHA-256 that the hub says; or ``model``.

    Raises:
        ModelError: No name of a repository; no such repository, revision or file; it cannot be fetched; or what was
            fetched is damaged.
    """
    if not str(model).startswith(PREFIX):
        return model
    repository, _, revision = str(model).removeprefix(PREFIX).partition("@")
    require_repository(repository)
    try:
        path = Path(hf_hub_download(repository, MODEL_FILE, revision=revision or None, etag_timeout=PATIENCE))
    except Exception as error:  # As for pretrained weights: the client changes its HTTP library between releases.
        raise ModelError(_not_fetched(str(model), error)) from error
    wanted = path.resolve().name  # The cache names a large file by the hash that the hub gave.
    if _SHA256.fullmatch(wanted) and sha256_file(path) != wanted:
        raise ModelError(f"{path} is damaged: its SHA-256 is not {wanted}. Delete {path.resolve()} and try again.")
    return path


def share(repository: str, files: Mapping[str, Path | bytes], *, private: bool) -> str:
    """Put files into a repository on the hub, as one commit; it is made where it is not there.

    Args:
        repository: ``user/name``.
        files: By their path in the repository.
        private: Only its owner sees it. A repository that is there stays as it is: a public one is refused.

    Returns:
        The repository's address.

    Raises:
        ModelError: No name of a repository; a public one, where a private one is wanted; or the hub is not reached or
            refuses.
    """
    require_repository(repository)
    api = HfApi()
    additions = [CommitOperationAdd(name, content) for name, content in files.items()]
    try:
        with warnings.catch_warnings(action="ignore"):  # The client's, about the HTTP library that it uses.
            address = api.create_repo(repository, private=private, exist_ok=True)
            if private and not api.repo_info(repository).private:  # It was there, and the hub leaves it as it is.
                raise ModelError(
                    f"{repository} is there already, and public: everybody would see what is pushed. Make it private "
                    "in its settings on the hub, choose another name, or leave --private out."
                )
            api.create_commit(repository, additions, commit_message="Model, card and results by rugged")
    except ModelError:
        raise
    except Exception as error:
        found = f"{repository} could not be written on {constants.ENDPOINT} ({_reason(error)})."
        raise ModelError(f"{found} {_offline()}{_way_in(error)}") from error
    return str(address)


def require_repository(name: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        ModelError: It cannot.
    """
    try:
        validate_repo_id(name)  # Which lets a name without a user pass and, in old clients, letters of any language.
        possible = _REPOSITORY.fullmatch(name) is not None
    except HFValidationError:
        possible = False
    if not possible:
        raise ModelError(
            f"{name!r} is no repository on the Hugging Face hub; expected USER/NAME, such as me/robust: "
            "each of at most 96 English letters, digits, -, _ and ., with no - and . at its ends, no -- or .. in it, "
            "and no .git at the end."
        )


def _not_fetched(model: str, error: Exception) -> str:
    if isinstance(error, RevisionNotFoundError):
        return f"{model}: there is no such branch, tag or commit. Leave out what stands after the @, or look it up."
    if isinstance(error, EntryNotFoundError) and isinstance(error, HfHubHTTPError):
        return f"{model} holds no {MODEL_FILE}: it is no model that `rugged push` has put there."
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{model}: there is no such repository, or it is private. Check the name, or log in with `hf auth login`."
        )
    return (
        f"{model} is not on this machine and could not be fetched from {constants.ENDPOINT} ({brief(error)}). "
        f"{_offline()}Go online once, so that it is kept in {constants.HF_HUB_CACHE}; or give a local file."
    )


def _way_in(error: Exception) -> str:
    """What helps where the hub answered and refused, and what where nothing was heard of it."""
    if isinstance(error, HfHubHTTPError | LocalTokenNotFoundError):
        return (
            "Log in with `hf auth login` or set HF_TOKEN to a token that may write, and see that the user's name is "
            "yours."
        )
    return "The hub was not reached: check the network, then push again."


def _reason(error: Exception) -> str:
    return brief(error.__cause__ if isinstance(error.__cause__, Exception) else error)


def _offline() -> str:
    return f"HF_HUB_OFFLINE={os.environ['HF_HUB_OFFLINE']} is set. " if os.environ.get("HF_HUB_OFFLINE") else ""
