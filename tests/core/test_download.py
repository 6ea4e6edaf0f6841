"""Downloads from a server on this machine that behaves, misbehaves and breaks off."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from rugged.core.download import Remote, download
from rugged.core.errors import DataError

CONTENT = np.random.default_rng(0).bytes(3_000_000)


class Server:
    """A file on a local server.

    Attributes: content and etag of the file; ranges: whether parts are sent; break_after: bytes after which each
    answer breaks off, None for never; requests: the Range header of each request.
    """

    def __init__(self):
        self.content, self.etag, self.ranges, self.break_after, self.status = CONTENT, '"one"', True, None, 200
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        if self.status != 200:
            handler.send_error(self.status)
            return
        start = 0
        if wanted and self.ranges and handler.headers.get("If-Range") == self.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        data = self.content[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: self.break_after])

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def remote(self, content=CONTENT, kind="md5"):
        url = f"http://127.0.0.1:{self.http.server_port}/file.zip"
        return Remote(url, len(content), f"{kind}:{hashlib.new(kind, content).hexdigest()}", "Get it BY HAND.")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "downloads" / "file.zip"


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_file_is_fetched_once(kind, server, path, capsys):
    assert download(server.remote(kind=kind), path).read_bytes() == CONTENT
    assert download(server.remote(kind=kind), path) == path
    assert server.requests == [None]
    assert [file.name for file in path.parent.iterdir()] == ["file.zip"]
    assert "Downloading file.zip" in capsys.readouterr().err


def test_a_broken_connection_is_continued(server, path, capsys):
    server.break_after = 1_200_000
    assert download(server.remote(), path, pause=0).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=1200000-", "bytes=2400000-"]
    assert "connection broke" in capsys.readouterr().err


def test_a_later_run_continues(server, path):
    server.break_after = 500_000
    with pytest.raises(DataError, match=r"2,000,000 bytes are kept .* BY HAND"):
        download(server.remote(), path, pause=0)
    assert not path.exists()
    server.break_after = None
    assert download(server.remote(), path).read_bytes() == CONTENT
    assert server.requests[-1] == "bytes=2000000-"


def test_a_server_that_ignores_ranges_sends_it_all(server, path):
    server.break_after = 600_000
    with pytest.raises(DataError):
        download(server.remote(), path, pause=0)
    server.ranges, server.break_after = False, None
    assert download(server.remote(), path).read_bytes() == CONTENT
    assert server.requests[-1] == "bytes=2400000-"


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(server, path):
    server.break_after = 600_000
    with pytest.raises(DataError):
        download(server.remote(), path, pause=0)
    server.content, server.etag, server.break_after = CONTENT[::-1], '"two"', None
    assert download(server.remote(server.content), path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_promise_of_the_same_bytes_it_starts_over(etag, server, path):
    server.etag, server.break_after = etag, 600_000
    with pytest.raises(DataError):
        download(server.remote(), path, pause=0)
    server.break_after = None
    assert download(server.remote(), path).read_bytes() == CONTENT
    assert set(server.requests) == {None}


@pytest.mark.parametrize("kind", ["md5", "sha256"])
@pytest.mark.parametrize(
    "content", [CONTENT[:-1] + b"?", CONTENT[:100], CONTENT + b"more", b"<html>Please log in</html>"]
)
def test_another_file_is_refused_and_removed(content, kind, server, path):
    server.content = content
    with pytest.raises(DataError, match=rf"not the published file.*{kind.upper()}.*BY HAND"):
        download(server.remote(kind=kind), path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_a_kept_part_that_is_wrong_does_not_stand_in_the_way(size, server, path):
    path.parent.mkdir()
    path.with_name("file.zip.part").write_bytes(bytes(size))
    if size == len(CONTENT):
        with pytest.raises(DataError, match="not the published file"):
            download(server.remote(), path)
    assert download(server.remote(), path).read_bytes() == CONTENT


def test_a_missing_file_is_told(server, path):
    server.status = 404
    with pytest.raises(DataError, match=r"404 Not Found.*BY HAND"):
        download(server.remote(), path, pause=0)


def test_no_network_is_told(server, path):
    remote = server.remote()
    server.close()
    with pytest.raises(DataError, match=r"Cannot download from 127\.0\.0\.1: .*refused.*BY HAND"):
        download(remote, path, pause=0)


def test_a_folder_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Cannot write"):
        download(server.remote(), tmp_path / "file" / "file.zip")
