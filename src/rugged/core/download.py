"""Downloads that go on where they stopped and are checked before they are used."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rugged.core.errors import DataError
from rugged.core.parsing import parse_json
from rugged.core.progress import progress, say

_ATTEMPTS = 4
_TIMEOUT = 30.0
_BLOCK = 2**18
_MEGABYTE = 10**6


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to fetch.

    Attributes:
        url: Where it is.
        size: Its size in bytes.
        digest: ``md5:`` or ``sha256:`` and the hexadecimal digits. An MD5 guards against accidents, not attacks: it is
            what the publishers of data sets give.
        by_hand: What to do without a network, as sentences.
    """

    url: str
    size: int
    digest: str
    by_hand: str


class _IncompleteError(Exception):
    """The connection ended before the file did."""


def download(remote: Remote, path: Path, pause: float = 2.0) -> Path:
    """Fetch a file to ``path``, unless it is there.

    An interrupted download is kept beside ``path`` with the name ``*.part`` and continued, if the server still has the
    same file (``If-Range``) and can send a part; else it starts over.

    Args:
        remote: The file.
        path: Where to put it.
        pause: Seconds to wait before a broken connection is tried again, doubled each time.

    Raises:
        DataError: No network, the server refuses, or what came is not the file that was expected.
    """
    if path.is_file() and path.stat().st_size == remote.size:
        return path
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(remote, part, pause)
        _check(remote, part)
        part.replace(path)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{remote.url} answered {error.code} {error.reason}. {remote.by_hand}") from error
    except (_IncompleteError, urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        kept = f" {part.stat().st_size:,} bytes are kept and will be continued." if part.is_file() else ""
        host = urlsplit(remote.url).hostname
        raise DataError(f"Cannot download from {host}: {reason}.{kept} {remote.by_hand}") from error
    except OSError as error:
        raise DataError(
            f"Cannot write {part}: {error.strerror or error}. Free some space or set RUGGED_CACHE."
        ) from error
    _state_path(part).unlink(missing_ok=True)
    return path


def _fetch(remote: Remote, part: Path, pause: float) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _fetch_once(remote, part)
            return
        except (_IncompleteError, HTTPException, TimeoutError, ConnectionError) as error:
            if attempt == _ATTEMPTS:
                raise
            say(f"The connection broke ({error}). Trying again in {pause:.0f} s.")
            time.sleep(pause)
            pause *= 2


def _fetch_once(remote: Remote, part: Path) -> None:
    have = part.stat().st_size if part.is_file() else 0
    validator = _read_validator(part, remote.url)
    if have and have == remote.size:
        return
    headers = {"User-Agent": "rugged", "Accept-Encoding": "identity"}
    if have and validator and have < remote.size:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    with _open(remote.url, headers, part) as response:
        start = _start_of(response)
        if start not in (0, have):
            raise _IncompleteError(f"asked for the rest from byte {have:,}, got it from {start:,}")
        _write_validator(part, remote.url, response)
        _receive(response, part, start, remote)


def _open(url: str, headers: dict[str, str], part: Path) -> Any:
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        part.unlink(missing_ok=True)  # What is kept is longer than the server's file: not a part of it.
        raise _IncompleteError("the server has nothing to add to what was kept; starting over") from error


def _start_of(response: HTTPResponse) -> int:
    """The byte at which an answer begins: a server without ranges, or with a new file, sends it from the start."""
    if response.status != 206:
        return 0
    content_range = response.headers.get("Content-Range", "")
    try:
        return int(content_range.removeprefix("bytes ").split("-")[0])
    except ValueError as error:
        raise _IncompleteError(f"the server sent a part without saying which ({content_range!r})") from error


def _receive(response: HTTPResponse, part: Path, start: int, remote: Remote) -> None:
    with (
        part.open("r+b" if start else "wb") as stream,
        progress(
            f"Downloading {part.name.removesuffix('.part')}", remote.size // _MEGABYTE, "MB", done=start // _MEGABYTE
        ) as bar,
    ):
        stream.seek(start)
        received, shown = start, start // _MEGABYTE
        while block := response.read(_BLOCK):
            stream.write(block)
            received += len(block)
            bar.advance(received // _MEGABYTE - shown)
            shown = received // _MEGABYTE
            if received > remote.size:
                return  # Too long to be the file: the check will say so, and an endless answer must not fill the disk.
    if received < start + int(response.headers.get("Content-Length") or 0):
        raise _IncompleteError(f"it ended after {received:,} of {remote.size:,} bytes")


def _check(remote: Remote, part: Path) -> None:
    """Compare with what was published; what does not fit is removed, so that the next attempt starts over."""
    kind, expected = remote.digest.split(":")
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
    size = part.stat().st_size
    if (size, found) == (remote.size, expected):
        return
    part.unlink()
    _state_path(part).unlink(missing_ok=True)
    raise DataError(
        f"What {remote.url} sent is not the published file: {size:,} bytes with the {kind.upper()} {found}, expected "
        f"{remote.size:,} bytes with {expected}. It was removed. Try again, or: {remote.by_hand}"
    )


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_validator(part: Path, url: str) -> str | None:
    """What the server called the version of the file that ``part`` is the beginning of."""
    try:
        state = parse_json(_state_path(part).read_text(encoding="utf-8"))
        return str(state["validator"]) if state["url"] == url and state["validator"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_validator(part: Path, url: str, response: HTTPResponse) -> None:
    etag = response.headers.get("ETag")
    if etag and etag.startswith("W/"):  # A weak tag does not promise the same bytes, and If-Range does not take it.
        etag = None
    state = {"url": url, "validator": etag or response.headers.get("Last-Modified")}
    _state_path(part).write_text(json.dumps(state), encoding="utf-8")
