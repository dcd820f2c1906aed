"""What the enforcing proxy in front must know to decide, and what it decides that moto has no request for. Served under
`/_facts` to the one who holds the token that this process was started with; nobody else is served at all."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.sns.models import sns_backends

from store import Store


def trust_proxy() -> None:
    """The proxy has judged each request that arrives: moto's own, rougher judgement would only contradict it."""
    FakeBucket.get_permission = lambda _bucket, _action, _resource: PermissionResult.NEUTRAL
    # moto knows fewer ways than one to allow the delivery of logs.
    FakeBucket._log_permissions_enabled_policy = staticmethod(lambda target_bucket, target_prefix: True)
    # Reading the state of a restored object must not announce it: the proxy has.
    FakeKey.status = property(lambda _key: "RESTORED")


def answer(path: str, query_string: str, store: Store) -> bytes | None:
    """The answer to a request of the proxy; None where what it asks for is not there."""
    query = {name: values[0] for name, values in parse_qs(query_string, keep_blank_values=True).items()}
    routes: dict[str, Callable[[], Any]] = {
        "/_facts": everything,
        "/_facts/object": lambda: object_facts(query),
        "/_facts/upload": lambda: upload_facts(query),
        "/_facts/readable": lambda: set_readable(query, store),
        "/_facts/storage-class": lambda: set_storage_class(query, store),
        "/_facts/objects": lambda: list_objects(query["bucket"]),
    }
    found = routes[path]()
    return None if found is None else json.dumps(found).encode()


def everything() -> dict[str, Any]:
    users, keys, topics, buckets = [], {}, {}, {}
    account = ""
    for account, regions in iam_backends.items():
        for backend in regions.values():
            users.extend(user_facts(user) for user in backend.users.values())
    for regions in kms_backends.values():
        for region, backend in regions.items():
            for key in backend.keys.values():
                keys[key.arn] = {"id": key.id, "region": region, "state": key.key_state, "policy": key.policy}
    for regions in sns_backends.values():
        for backend in regions.values():
            for topic in backend.topics.values():
                topics[topic.arn] = {"policy": topic.policy, "kmsKey": topic.kms_master_key_id or None}
    for partitions in s3_backends.values():
        for backend in partitions.values():
            buckets.update({name: bucket_facts(bucket) for name, bucket in backend.buckets.items()})
    return {"account": account or "123456789012", "users": users, "keys": keys, "topics": topics, "buckets": buckets}


def user_facts(user: Any) -> dict[str, Any]:
    attached = [policy.document for policy in user.managed_policies.values()]
    return {
        "arn": user.arn,
        "keys": [
            {"id": key.access_key_id, "secret": key.secret_access_key, "active": key.status == "Active"}
            for key in user.access_keys
        ],
        "policies": list(user.policies.values()) + attached,
    }


def bucket_facts(bucket: FakeBucket) -> dict[str, Any]:
    encryption = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
    configuration = bucket.notification_configuration
    return {
        "region": bucket.region_name,
        "policy": text(bucket.policy),
        "locked": bool(bucket.object_lock_enabled),
        "kmsKey": encryption.get("KMSMasterKeyID") if encryption.get("SSEAlgorithm") == "aws:kms" else None,
        "topics": [{"arn": each.arn, "events": as_list(each.events)} for each in (configuration.topic if configuration else [])],
        "lifecycle": [
            {
                "status": rule.status,
                "prefix": rule.prefix or getattr(rule.filter, "prefix", None) or "",
                "transitions": [
                    {"days": int(each.days or 0), "storageClass": each.storage_class} for each in rule.transitions
                ],
            }
            for rule in bucket.rules
        ],
    }


def find(query: dict[str, str]) -> FakeKey | None:
    bucket = bucket_named(query["bucket"])
    if bucket is None:
        return None
    versions = bucket.keys.getlist(query["key"], [])
    wanted = query.get("version")
    key = next((each for each in versions if wanted == str(each.version_id)), None) if wanted else (versions or [None])[-1]
    return key if isinstance(key, FakeKey) else None


def object_facts(query: dict[str, str]) -> dict[str, Any] | None:
    key = find(query)
    if key is None:
        return None
    return {
        "versionId": str(key.version_id) if key._is_versioned else None,
        "storageClass": key.storage_class,
        "kmsKey": key.kms_key_id if key.encryption == "aws:kms" else None,
        "lockMode": key.lock_mode,
        "lockUntil": key.lock_until,
        "legalHold": key.lock_legal_status == "ON",
        "size": key.size,
        "etag": key.etag.strip('"'),
    }


def upload_facts(query: dict[str, str]) -> dict[str, Any] | None:
    bucket = bucket_named(query["bucket"])
    upload = bucket.multiparts.get(query["upload"]) if bucket else None
    if upload is None:
        return None
    return {
        "checksumAlgorithm": upload.metadata.get("x-amz-checksum-algorithm"),
        "kmsKey": upload.kms_key_id,
        "parts": {str(number): part.size for number, part in upload.parts.items()},
    }


def list_objects(name: str) -> list[dict[str, Any]] | None:
    bucket = bucket_named(name)
    if bucket is None:
        return None
    return [
        {
            "key": key,
            "versionId": str(version.version_id) if version._is_versioned else None,
            "storageClass": version.storage_class,
            "size": version.size,
            "modified": version.last_modified.isoformat(),
        }
        for key in list(bucket.keys)
        for version in bucket.keys.getlist(key)
        if isinstance(version, FakeKey)
    ]


def set_readable(query: dict[str, str], store: Store) -> dict[str, Any] | None:
    """Lets moto hand out an archived object: the proxy knows until when it is restored."""
    from moto.core.utils import utcnow

    key = find(query)
    if key is None:
        return None
    key.set_expiry(utcnow())
    store.record_object(query["bucket"], query["key"])
    return {}


def set_storage_class(query: dict[str, str], store: Store) -> dict[str, Any] | None:
    key = find(query)
    if key is None:
        return None
    key.set_storage_class(query["class"])
    store.record_object(query["bucket"], query["key"])
    return {}


def bucket_named(name: str) -> FakeBucket | None:
    for partitions in s3_backends.values():
        for backend in partitions.values():
            if name in backend.buckets:
                return backend.buckets[name]
    return None


def text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
