"""Keeps the state of moto's backends in a folder, so that it survives any end of the process.

Layout: `state.sqlite` with one row a service and one row an object key, `bodies/` with one file an object body.
Nothing is answered before it is on disk: a change that a client has seen acknowledged is there after a crash.
"""

import io
import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.s3.utils import _VersionedKeyStore

from bodies import keep_bodies_in

SCHEMA = """
create table if not exists service (name text primary key, state blob not null, bodies text not null) strict;
create table if not exists object (
  bucket text not null, key text not null, versions blob not null, bodies text not null,
  primary key (bucket, key)
) strict;
"""


def _key_state(key: FakeKey) -> dict[str, Any]:
    if key.multipart is not None:
        # A completed upload's parts are never read again: their sizes and tags suffice.
        for part in key.multipart.parts.values():
            part._etag = part.etag.strip('"')
            part._value_buffer.truncate()
    return {name: value for name, value in key.__dict__.items() if name != "lock"}


def _restore_key(key: FakeKey, state: dict[str, Any]) -> None:
    key.__dict__.update(state)
    key.lock = threading.Lock()


def _bucket_state(bucket: FakeBucket) -> dict[str, Any]:
    return {name: value for name, value in bucket.__dict__.items() if name != "keys"}


def _restore_bucket(bucket: FakeBucket, state: dict[str, Any]) -> None:
    bucket.__dict__.update(state)
    bucket.keys = _VersionedKeyStore()


class Store:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.bodies = keep_bodies_in(folder / "bodies")
        FakeKey.__getstate__ = _key_state
        FakeKey.__setstate__ = _restore_key
        # moto warns of keys that were not disposed of; here a key lives in its file.
        FakeKey.__del__ = lambda _key: None
        FakeBucket.__getstate__ = _bucket_state
        FakeBucket.__setstate__ = _restore_bucket
        self.db = sqlite3.connect(folder / "state.sqlite", check_same_thread=False)
        self.db.executescript("pragma journal_mode=wal; pragma synchronous=full;" + SCHEMA)
        self.written: dict[str, bytes] = {}
        self._load()

    def _load(self) -> None:
        for name, state in self.db.execute("select name, state from service"):
            backends = get_backend(name)
            for account, regions, extra in pickle.loads(state):
                for region, backend in regions.items():
                    dict.__setitem__(backends[account], region, backend)
                if name == "s3":
                    s3_backends.bucket_accounts.update(extra)
            self.written[name] = state
        for bucket, key, versions in self.db.execute("select bucket, key, versions from object"):
            dict.__setitem__(_bucket(bucket).keys, key, pickle.loads(versions))
        self._remove_unused_bodies()

    def _remove_unused_bodies(self) -> None:
        """A crash between writing a body and recording it leaves a file that nothing refers to."""
        used: set[str] = set()
        for (names,) in self.db.execute("select bodies from service union all select bodies from object"):
            used.update(names.split())
        self.bodies.remove({path.name for path in self.bodies.folder.iterdir()} - used)

    def record_service(self, name: str) -> None:
        backends = next((each for each in BackendDict._instances if each.service_name == name), None)
        if backends is None:
            return
        extra = s3_backends.bucket_accounts if name == "s3" else {}
        state, used = self._pickled([(account, dict(regions), extra) for account, regions in backends.items()])
        if self.written.get(name) == state:
            return
        before = self._bodies_of("select bodies from service where name = ?", (name,))
        with self.db:
            self.db.execute("insert or replace into service values (?, ?, ?)", (name, state, " ".join(used)))
        self.written[name] = state
        self._drop(before - used)

    def record_object(self, bucket: str, key: str) -> None:
        found = _bucket(bucket)
        versions = found.keys.getlist(key) if found else None
        before = self._bodies_of("select bodies from object where bucket = ? and key = ?", (bucket, key))
        used: set[str] = set()
        with self.db:
            if versions:
                state, used = self._pickled(versions)
                self.db.execute(
                    "insert or replace into object values (?, ?, ?, ?)", (bucket, key, state, " ".join(used))
                )
            else:
                self.db.execute("delete from object where bucket = ? and key = ?", (bucket, key))
        self._drop(before - used)

    def record_bucket(self, bucket: str) -> None:
        """Records every object of a bucket: after an operation that may have touched many of them."""
        found = _bucket(bucket)
        keys = set(found.keys) if found else set()
        recorded = {key for (key,) in self.db.execute("select key from object where bucket = ?", (bucket,))}
        for key in keys | recorded:
            self.record_object(bucket, key)

    def record_everything(self) -> None:
        for backends in list(BackendDict._instances):
            self.record_service(backends.service_name)
        for bucket in list(s3_backends.bucket_accounts):
            self.record_bucket(bucket)

    def close(self) -> None:
        self.record_everything()
        self.db.close()

    def _bodies_of(self, query: str, values: tuple[str, ...]) -> set[str]:
        row = self.db.execute(query, values).fetchone()
        return set(row[0].split()) if row else set()

    def _drop(self, names: set[str]) -> None:
        """The row of a service and that of an object may name the same body for a moment."""
        shared = {
            name
            for name in names
            if self.db.execute(
                "select 1 from object where instr(bodies, ?) union all select 1 from service where instr(bodies, ?)",
                (name, name),
            ).fetchone()
        }
        self.bodies.remove(names - shared)

    def _pickled(self, value: object) -> tuple[bytes, set[str]]:
        self.bodies.used = set()
        buffer = io.BytesIO()
        Pickler(buffer, protocol=5).dump(value)
        return buffer.getvalue(), self.bodies.used


def _bucket(name: str) -> FakeBucket | None:
    partition, account = s3_backends.bucket_accounts.get(name, ("aws", DEFAULT_ACCOUNT_ID))
    return s3_backends[account][partition].buckets.get(name)


class Pickler(pickle.Pickler):
    """Knows how to write the private keys of KMS, which live in OpenSSL's memory."""

    def reducer_override(self, value: object) -> Any:
        if not isinstance(value, PrivateKeyTypes):
            return NotImplemented
        der = value.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return private_key, (der,)


def private_key(der: bytes) -> PrivateKeyTypes:
    return load_der_private_key(der, password=None)
