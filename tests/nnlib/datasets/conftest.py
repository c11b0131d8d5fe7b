"""A tiny data set, and a server on this machine that publishes it, well or badly."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from nnlib.datasets._catalog import Download, RemoteFile


def idx_bytes(array: np.ndarray) -> bytes:
    """Write an IDX file by the format's own description, and gzip it."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


@dataclass
class Tiny:
    """The arrays, the files made of them, and their description."""

    arrays: dict[str, np.ndarray]
    files: dict[str, bytes]
    download: Download

    def write(self, root: Path) -> Path:
        """Lay the files out as in NNLIB_DATA."""
        folder = root / self.download.folder
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder


@dataclass
class Server:
    """What the server does wrong, and what it was asked."""

    base_url: str = ""
    refuse: int = 0
    cut_first: int = 0
    content: bytes | None = None
    ranges: bool = True
    announce: bool = True
    published: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def tiny(rng: np.random.Generator) -> Tiny:
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (6, 5, 4)),
        "train-labels-idx1-ubyte.gz": np.arange(6) % 3,
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (2, 5, 4)),
        "t10k-labels-idx1-ubyte.gz": np.array([2, 0]),
    }
    files = {name: idx_bytes(array) for name, array in arrays.items()}
    described = tuple(
        RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
    download = Download(
        "tiny",
        "tiny-set",
        ("http://127.0.0.1:9/",),
        described,
        ("a", "b", "c"),
        "",
        "none",
        "nobody",
    )
    return Tiny(arrays, files, download)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the real cache and the real NNLIB_DATA out of these tests; return the cache."""
    cache = tmp_path / "cache with space"
    monkeypatch.setenv("NNLIB_CACHE", str(cache))
    monkeypatch.delenv("NNLIB_DATA_URL", raising=False)
    return cache


@pytest.fixture
def server(tiny: Tiny) -> Iterator[Server]:
    state = Server(published=dict(tiny.files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rsplit("/", 1)[1]
            wanted = self.headers["Range"]
            state.requests.append((name, wanted))
            if state.refuse:
                self.send_error(state.refuse)
                return
            content = state.published[name] if state.content is None else state.content
            start = 0
            if wanted and state.ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
            else:
                self.send_response(200)
            if state.announce:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = len(content)
            if state.cut_first:
                state.cut_first -= 1
                end = start + (len(content) - start) // 2
            self.wfile.write(content[start:end])

        def log_message(self, format, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.base_url = f"http://127.0.0.1:{http.server_port}/"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()
