"""Where the bodies of objects are: one file each, written once, opened only while it is read."""

import os
import uuid
from pathlib import Path
from types import SimpleNamespace

import moto.s3.models as s3_models

# A small body is stored with its object: one fsync less for each of the thousands that a backup writes.
INLINE_BYTES = 64 * 1024


class Bodies:
    """The folder of object bodies. A body never changes once it is written; the newest pickles say which are in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.used: set[str] = set()

    def write(self, content: bytes) -> str:
        name = uuid.uuid4().hex
        with open(self.folder / name, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return name

    def remove(self, names: set[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)


bodies: Bodies


def keep_bodies_in(folder: Path) -> Bodies:
    """Makes moto keep the bodies of objects in a folder."""
    global bodies
    bodies = Bodies(folder)
    s3_models.tempfile = SimpleNamespace(SpooledTemporaryFile=Body)
    return bodies


class Body:
    """Takes the place of moto's temporary file under an object: in memory until it is recorded, then a file that is
    opened only while it is read."""

    def __init__(self, _max_size: int = 0) -> None:
        self.content: bytes | None = b""
        self.file = ""
        self.length = 0
        self.position = 0

    def seek(self, position: int) -> None:
        self.position = position

    def truncate(self) -> None:
        self.content, self.file, self.length = b"", "", 0

    def write(self, content: bytes) -> None:
        # moto replaces a body as a whole: seek(0), truncate(), write().
        self.content = bytes(content)
        self.length = len(self.content)

    def read(self, size: int = -1) -> bytes:
        left = self.length - self.position
        count = left if size < 0 else min(size, left)
        if self.content is not None:
            data = self.content[self.position : self.position + count]
        else:
            with open(bodies.folder / self.file, "rb") as file:
                file.seek(self.position)
                data = file.read(count)
            if len(data) != count:
                raise OSError(f"body {self.file} is shorter than recorded")
        self.position += count
        return data

    def close(self) -> None:
        self.content = None

    def settle(self) -> None:
        if self.file == "" and self.content and self.length > INLINE_BYTES:
            self.file = bodies.write(self.content)
        if self.file:
            self.content = None

    def __getstate__(self) -> tuple[str, int, bytes | None]:
        self.settle()
        if self.file:
            bodies.used.add(self.file)
        return self.file, self.length, self.content

    def __setstate__(self, state: tuple[str, int, bytes | None]) -> None:
        self.file, self.length, self.content = state
        self.position = 0
