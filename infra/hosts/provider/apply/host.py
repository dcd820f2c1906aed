"""What every part of an apply uses: events for the caller, child processes, atomic files, the lock."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time


class Failure(Exception):
    """The run cannot go on. `lines` is what the host itself said, for example a unit's last journal lines."""

    def __init__(self, message, lines=()):
        super().__init__(message)
        self.lines = list(lines)


def emit(event, **fields):
    """Tells the caller what happened. A caller that went away does not stop the run: half of it is worse."""
    try:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(command, stdin=None):
    """Runs a program and returns its result, whatever its exit status."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError as error:
        raise Failure(f"the host has no program {command[0]}: install its package first") from error


def require(command, doing, stdin=None):
    """Runs a program that has to succeed; `doing` says in the error what it was for."""
    result = run(command, stdin)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        raise Failure(f"{doing} failed: {said or f'{command[0]} ended with {result.returncode}'}")
    return result.stdout


def sha256_of(path):
    digest = hashlib.sha256()
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def partial_path(path):
    """The temporary name beside a file: always the same, so that a later run finds what a killed one left."""
    folder, base = os.path.split(path)
    return os.path.join(folder, ".lab-" + hashlib.sha256(base.encode()).hexdigest()[:16])


def unlink_if_there(path):
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def write_atomically(path, source, mode, uid=-1, gid=-1):
    """Puts the bytes of an open file under a name in one step; what is there, even a symbolic link, is replaced.
    Belongs to whoever writes it unless an owner is given."""
    partial = partial_path(path)
    unlink_if_there(partial)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
            target.flush()
            # Changing the owner clears set-id bits, hence in this order.
            os.fchown(target.fileno(), uid, gid)
            os.fchmod(target.fileno(), mode)
            os.fsync(target.fileno())
        os.rename(partial, path)
    except BaseException:
        unlink_if_there(partial)
        raise
    sync_folder(os.path.dirname(path))


class Lock:
    """An exclusive lock on a file whose content says who holds it; freed by the kernel when the holder dies."""

    def __init__(self, path, what, holder, wait_seconds):
        self.path = path
        self.what = what
        self.holder = holder
        self.wait_seconds = wait_seconds

    def __enter__(self):
        deadline = time.monotonic() + self.wait_seconds
        while True:
            self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current():
                    break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Failure(self._refusal()) from None
                time.sleep(0.1)
            os.close(self.descriptor)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, self._own_mark(), 0)
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def _is_current(self):
        """Whether the locked file is still the one under the name: a removal takes it away."""
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return there.st_ino == os.fstat(self.descriptor).st_ino

    def _own_mark(self):
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return f"process {os.getpid()} since {since}, for {self.holder}".encode()

    def _refusal(self):
        held_by = os.pread(self.descriptor, 4096, 0).decode(errors="replace") or "another process"
        return (
            f"{self.what} is locked by {held_by}; waited {self.wait_seconds:g} s. "
            "Run again when that run has ended."
        )
