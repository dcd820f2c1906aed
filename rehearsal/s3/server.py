"""The S3 server of the rehearsal: moto's server (S3, IAM, KMS, STS), made durable and as strict as AWS where the lab
depends on it: object lock wants a checksum on every upload, and the conditions of bucket policies are evaluated."""

import argparse
import ctypes
import hmac
import io
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from store import Store

Environ = dict[str, Any]
CHECKSUM_HEADERS = ("HTTP_CONTENT_MD5", "HTTP_X_AMZ_TRAILER")


class DurableApplication:
    """Runs one changing request at a time and answers it once its effect is on disk; reads run side by side."""

    def __init__(self, application: Callable[..., Iterable[bytes]], store: Store, proxy_token: str | None) -> None:
        self.application = application
        self.store = store
        self.proxy_token = proxy_token
        self.changing = threading.Lock()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.proxy_token is not None:
            given = environ.pop("HTTP_X_PROXY_TOKEN", "")
            if not hmac.compare_digest(given.encode(), self.proxy_token.encode()):
                start_response("403 Forbidden", [("Content-Type", "text/plain")])
                return [b"only the proxy in front is served here\n"]
            if environ["PATH_INFO"].startswith("/_facts"):
                return self.facts(environ, start_response)
        if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
            return self.document(environ, b"", start_response) or self.application(environ, start_response)
        # Read before taking the lock: a slow client must not hold up the others.
        body = read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        with self.changing:
            document = self.document(environ, body, start_response)
            if document is not None:
                self.store.record_service("s3")
                return document
            refusal = self.refusal(environ)
            if refusal is not None:
                start_response("400 Bad Request", [("Content-Type", "application/xml")])
                return [refusal]
            answer = list(self.application(environ, start_response))
            self.record(environ)
            return answer

    def document(self, environ: Environ, body: bytes, start_response: Callable[..., Any]) -> list[bytes] | None:
        from documents import answer

        bucket, key = bucket_and_key(environ)
        if service_of(environ) != "s3" or bucket == "" or key != "":
            return None
        found = answer(environ["REQUEST_METHOD"], bucket, environ.get("QUERY_STRING", ""), body)
        if found is None:
            return None
        status, content = found
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))])
        return [content]

    def facts(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        from facts import answer

        with self.changing:
            found = answer(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), self.store)
        start_response("404 Not Found" if found is None else "200 OK", [("Content-Type", "application/json")])
        return [found or b"null"]

    def refusal(self, environ: Environ) -> bytes | None:
        from moto.s3.models import s3_backends

        bucket, key = bucket_and_key(environ)
        # Anything else in the query names a sub-resource (tagging, retention); x-id only repeats the operation.
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).keys() - {"x-id"}
        is_upload = environ["REQUEST_METHOD"] == "PUT" and key != "" and (not query or "partNumber" in query)
        if service_of(environ) != "s3" or not is_upload or "HTTP_X_AMZ_COPY_SOURCE" in environ:
            return None
        partition, account = s3_backends.bucket_accounts.get(bucket, ("aws", ""))
        found = s3_backends[account][partition].buckets.get(bucket) if account else None
        if found is None or not found.object_lock_enabled or has_checksum(environ):
            return None
        return (
            b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR '
            b"x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters</Message>"
            b"</Error>"
        )

    def record(self, environ: Environ) -> None:
        service = service_of(environ)
        self.store.record_service(service)
        if service != "s3":
            return
        bucket, key = bucket_and_key(environ)
        if key:
            self.store.record_object(bucket, key)
        else:
            self.store.record_bucket(bucket)


def has_checksum(environ: Environ) -> bool:
    return any(
        name in CHECKSUM_HEADERS or name.startswith("HTTP_X_AMZ_CHECKSUM_") for name in environ if name.startswith("HTTP_")
    )


def read_body(environ: Environ) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read()
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    if len(body) != length:
        raise ConnectionError(f"the request ended after {len(body)} of {length} bytes")
    return body


def service_of(environ: Environ) -> str:
    """The service that the request was signed for (`Credential=KEY/DATE/REGION/SERVICE/aws4_request`)."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
    return scope[3].lower() if len(scope) > 3 else "s3"


def bucket_and_key(environ: Environ) -> tuple[str, str]:
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def end_with_parent() -> None:
    """A proxy that was killed could not end this process."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--folder", type=Path, required=True, help="where the state is kept")
    parser.add_argument("--tls-cert", help="PEM file; plain HTTP where left out")
    parser.add_argument("--tls-key", help="PEM file")
    options = parser.parse_args()

    store = Store(options.folder)
    import policies
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    policies.install()
    proxy_token = os.environ.get("PROXY_TOKEN")
    if proxy_token is not None:
        from facts import trust_proxy

        end_with_parent()
        trust_proxy()
    context = None
    if options.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.tls_cert, options.tls_key)
    application = DurableApplication(DomainDispatcherApplication(create_backend_app), store, proxy_token)
    server = make_server(
        options.host,
        options.port,
        application,
        threaded=True,
        request_handler=MotoRequestHandler,
        ssl_context=context,
    )

    def stop(_signal: int, _frame: object) -> None:
        # shutdown() waits for serve_forever(), which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheme = "https" if context else "http"
    print(f'{{"url":"{scheme}://{options.host}:{server.server_port}"}}', flush=True)
    server.serve_forever()
    with application.changing:
        store.close()
    sys.exit(0)


if __name__ == "__main__":
    main()
