"""Configurations of a bucket that moto loses or does not know: kept and answered as the documents that they came as."""

import re
from typing import Any
from urllib.parse import parse_qs

from moto.s3.models import FakeBucket

from facts import bucket_named

NOT_FOUND = {"inventory": "NoSuchConfiguration", "replication": "ReplicationConfigurationNotFoundError"}
Answer = tuple[str, bytes]


def answer(method: str, bucket_name: str, query_string: str, body: bytes) -> Answer | None:
    """The answer to a request about such a document; None for every other request."""
    query = {name: values[0] for name, values in parse_qs(query_string, keep_blank_values=True).items()}
    kind = next((kind for kind in NOT_FOUND if kind in query), None)
    bucket = bucket_named(bucket_name) if kind else None
    if kind is None or bucket is None:
        return None
    documents: dict[Any, bytes] = bucket.__dict__.setdefault("documents", {})
    name = (kind, query.get("id", ""))
    if method == "PUT":
        refused = refusal(bucket, body.decode()) if kind == "replication" else None
        if refused:
            return refused
        documents[name] = body
        return "200 OK", b""
    if method == "DELETE":
        found = documents.pop(name, None)
        return missing(kind) if found is None and kind == "inventory" else ("204 No Content", b"")
    if kind == "inventory" and "id" not in query:
        listed = b"".join(documents[each] for each in sorted(documents) if each[0] == kind)
        return "200 OK", b"<ListInventoryConfigurationsResult><IsTruncated>false</IsTruncated>%b</ListInventoryConfigurationsResult>" % listed
    return ("200 OK", documents[name]) if name in documents else missing(kind)


def refusal(bucket: FakeBucket, document: str) -> Answer | None:
    """Replication needs versions on both sides (S3 user guide, "Requirements and considerations for replication")."""
    if not bucket.is_versioned:
        return error("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    for name in re.findall(r"<Bucket>arn:aws[\w-]*:s3:::([^<]+)</Bucket>", document):
        destination = bucket_named(name)
        if destination is None or not destination.is_versioned:
            return error("InvalidRequest", "Destination bucket must exist and have versioning enabled.")
    return None


def missing(kind: str) -> Answer:
    return error(NOT_FOUND[kind], f"The specified {kind} configuration does not exist.", "404 Not Found")


def error(code: str, message: str, status: str = "400 Bad Request") -> Answer:
    return status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
