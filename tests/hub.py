"""A server on this machine that answers as the Hugging Face hub does: downloads, and pushes of a commit."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_may_write"


class Hub:
    """Files by path, answering as the hub and as any plain server do. What is pushed can be fetched."""

    def __init__(self):
        hub = self
        self.files: dict[str, bytes] = {}
        self.hashes: dict[str, str] = {}  # That it gives for a path, instead of the true ones.
        self.requests: list[tuple[str, str]] = []
        self.created: dict[str, bool] = {}  # Repositories that were made, and whether as private ones.
        self.large: dict[str, bytes] = {}  # By SHA-256: uploaded, and not yet part of a commit.
        self.silent = threading.Event()  # Set: takes requests and never answers.
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                hub.requests.append((self.command, self.path))
                if hub.silent.is_set():
                    hub.over.wait(30)
                    return
                content = hub.files.get(self.path, hub.about(self.path))
                self.send_response(200 if content is not None else 404)
                self.send_header("X-Repo-Commit", COMMIT)
                if content is None:
                    self.send_header("X-Error-Code", "EntryNotFound")
                else:
                    self.send_header("ETag", f'"{hub.hashes.get(self.path) or hashlib.sha256(content).hexdigest()}"')
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content or b"")

            def take(self):
                hub.requests.append((self.command, self.path))
                body = b"".join(self.pieces())
                allowed = self.command == "PUT" or self.headers.get("Authorization") == f"Bearer {TOKEN}"
                found = json.dumps(hub.take(self.path, body) if allowed else {"error": "Invalid token"}).encode()
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def pieces(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    return
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()

            do_GET = do_HEAD = answer  # noqa: N815 - the names that the server looks for.
            do_POST = do_PUT = take  # noqa: N815

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def take(self, path, body):
        """Answer one step of a push: make the repository, say which files are large, take these, commit."""
        if path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted['organization']}/{wanted['name']}"
            # One that is there stays as it is.
            self.created.setdefault(name, wanted.get("visibility") == "private" or bool(wanted.get("private")))
            return {"url": f"{self.url}/{name}", "name": name}
        if path.startswith("/lfs/"):
            self.large[hashlib.sha256(body).hexdigest()] = body
            return {}
        if "/preupload/" in path:
            modes = {True: "lfs", False: "regular"}
            names = [file["path"] for file in json.loads(body)["files"]]
            rows = [(name, modes[name.endswith(".safetensors")]) for name in names]
            return {"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in rows]}
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            links = {each["oid"]: {"upload": {"href": f"{self.url}/lfs/{each['oid']}"}} for each in objects}
            return {"transfer": "basic", "objects": [{**each, "actions": links[each["oid"]]} for each in objects]}
        if found := re.fullmatch(r"/api/models/(.+)/commit/main", path):
            self._commit(found[1], [json.loads(line) for line in body.splitlines()])
            return {"success": True, "commitUrl": f"{self.url}/{found[1]}/commit/{COMMIT}", "commitOid": COMMIT}
        return {"warnings": [], "errors": []}  # Of the card's front matter.

    def about(self, path):
        """What the hub tells of a repository that was made."""
        name = path.removeprefix("/api/models/")
        return json.dumps({"id": name, "private": self.created[name]}).encode() if name in self.created else None

    def _commit(self, repository, lines):
        for line in lines:
            value, place = line["value"], f"/{repository}/resolve/main/"
            if line["key"] == "file":
                self.files[place + value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[place + value["path"]] = self.large[value["oid"]]

    def publish(self, name, content):
        self.files[f"/{name}/resolve/main/model.safetensors"] = content

    def asked(self, method):
        """Paths asked for, without those of the client's own business."""
        return [path for each, path in self.requests if each == method and not path.startswith("/api/")]

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
