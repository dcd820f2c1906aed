"""What AWS allows and moto does not. Bucket policies' conditions are evaluated: moto takes each for true, so that the
usual "TLS only" statement would shut everybody out. A lock configuration may change while the bucket holds objects. An
upload in parts is locked by default as one in one piece."""

import fnmatch
import json
from typing import Any

from flask import request
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import FakeBucket, FakeKey, S3Backend

OPERATORS = {
    "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringLike": fnmatch.fnmatchcase,
    "NumericLessThan": lambda actual, wanted: float(actual) < float(wanted),
}
NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"}


def install() -> None:
    FakeBucket.get_permission = lambda bucket, action, resource: permission(bucket, action, resource)
    S3Backend.put_object_lock_configuration = put_object_lock
    S3Backend.complete_multipart_upload = complete_locked


complete_unlocked = S3Backend.complete_multipart_upload


def complete_locked(backend: S3Backend, bucket_name: str, multipart_id: str, body: Any) -> FakeKey | None:
    key = complete_unlocked(backend, bucket_name, multipart_id, body)
    bucket = backend.get_bucket(bucket_name)
    if key is not None and bucket.has_default_lock and not key.lock_mode:
        key.lock_mode, key.lock_until = bucket.default_lock_mode, bucket.default_retention()
    return key


def put_object_lock(
    backend: S3Backend,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years


def permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    context = request_context()
    # moto builds the action from the HTTP method; S3 has no s3:HeadObject.
    action = "s3:GetObject" if action == "s3:HeadObject" else action
    effects = {
        statement["Effect"]
        for statement in as_list(json.loads(bucket.policy)["Statement"])
        if concerns(statement, action, resource, context)
    }
    if "Deny" in effects:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if "Allow" in effects else PermissionResult.NEUTRAL


def request_context() -> dict[str, str]:
    """The condition keys of the request at hand."""
    context = {f"s3:{name.lower()}": value for name, value in request.headers.items() if name.lower().startswith("x-amz-")}
    # A plain-text server stands for one behind TLS on a private network: it has no TLS to be judged by.
    context["aws:SecureTransport"] = "true"
    context["s3:TlsVersion"] = "1.3"
    context["aws:PrincipalArn"] = principal_arn()
    return context


def principal_arn() -> str:
    key_id = request.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
    for account, regions in iam_backends.items():
        for backend in regions.values():
            for user in backend.users.values():
                if any(key.access_key_id == key_id for key in user.access_keys):
                    return user.arn
        return f"arn:aws:iam::{account}:root"
    return "anonymous"


def concerns(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    return (
        matches(statement, "Action", action)
        and matches(statement, "Resource", resource)
        and concerns_principal(statement, context["aws:PrincipalArn"])
        and all(
            condition_holds(operator, key, as_list(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def matches(statement: dict[str, Any], element: str, value: str) -> bool:
    if f"Not{element}" in statement:
        return not any(fnmatch.fnmatchcase(value, pattern) for pattern in as_list(statement[f"Not{element}"]))
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in as_list(statement[element]))


def concerns_principal(statement: dict[str, Any], arn: str) -> bool:
    element = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    principal = statement[element]
    named = as_list(principal.get("AWS", [])) if isinstance(principal, dict) else as_list(principal)
    found = "*" in named or arn in named
    return found if element == "Principal" else not found


def condition_holds(operator: str, key: str, wanted: list[str], context: dict[str, str]) -> bool:
    actual = context.get(key)
    if operator == "Null":
        return (actual is None) == (wanted[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    if actual is None:
        # On AWS a negated operator is true, and any other false, where the key is absent.
        return operator.endswith("IfExists") or name in NEGATED
    if name in NEGATED:
        return not any(OPERATORS[NEGATED[name]](actual, str(value)) for value in wanted)
    return any(OPERATORS[name](actual, str(value)) for value in wanted)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
