#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of an SQS stand-in that fails as the real service may.

    cd tests/integration
    python3 -m aid.sqsproxy --upstream http://127.0.0.1:PORT --port-file FILE ...

Requests are forwarded as they came, Host and signature included; each is logged
with its operation, time and status. Both SQS protocols are understood; faults
that change a document are for JSON alone. Standard library only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from aid import service
from aid.faults import Answer, Fault, Record, Request
from aid.standin import StandIn

# Of the connection, not of the message (RFC 9110 section 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}
UPSTREAM_TIMEOUT = 30  # seconds; a long poll takes up to 20

CORRUPTIONS = ("md5", "attributes-md5", "body", "json")


@dataclass
class SqsFault(Fault):
    """Faults that know what a batch is.

    `fail_entries` are positions in the request. They are really left out of what
    is forwarded, unless `executed`: then the answer lies, as when a service did
    the work and lost track of it.
    """

    fail_entries: list[int] = field(default_factory=list)
    fail_code: str = "InternalError"
    fail_message: str = "We encountered an internal error. Please try again."
    sender_fault: bool = False
    executed: bool = False
    corrupt: str | None = None  # one of CORRUPTIONS
    edit: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # the answer

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.corrupt not in (None, *CORRUPTIONS):
            raise ValueError(f"corrupt is one of {', '.join(CORRUPTIONS)}")


def operation(request: Request) -> str:
    """The operation of SQS, SSM or KMS, or method and path where there is none."""
    target = request.header("X-Amz-Target")
    if "." in target:
        return target.rpartition(".")[2]
    kind = request.header("Content-Type")
    if kind.startswith("application/x-www-form-urlencoded"):
        action = parse_qs(request.body.decode("utf-8", "replace")).get("Action")
        if action:
            return action[0]
    return f"{request.method} {request.path}"


def flipped(digest: str) -> str:
    """Another digest of the same form."""
    return ("1" if digest[:1] == "0" else "0") + digest[1:]


def change(document: dict[str, Any], member: str, to: Callable[[str], str]) -> None:
    """Change a member in every entry or message of an answer that has it."""
    for name in ("Successful", "Messages"):
        for entry in document.get(name, []):
            if isinstance(entry.get(member), str):
                entry[member] = to(entry[member])


def corrupted(answer: Answer, how: str) -> None:
    """Damage an answer in place so that only its meaning is wrong."""
    if how == "json":
        answer.body = answer.body[:-1]
        return
    document = json.loads(answer.body or b"{}")
    if how == "md5":
        change(document, "MD5OfMessageBody", flipped)
        change(document, "MD5OfBody", flipped)
    elif how == "attributes-md5":
        change(document, "MD5OfMessageAttributes", flipped)
    else:
        # Still base64, still of the same length: the digest alone can tell.
        change(document, "Body", lambda b: ("B" if b[:1] == "A" else "A") + b[1:])
    answer.body = json.dumps(document).encode()


class SqsProxy(StandIn):
    """The proxy. With `keep`, records hold what was sent and answered.

    Kept headers are without X-Amz-Security-Token. Towards the client connections
    are kept alive, as SQS does, whatever the stand-in behind does.
    """

    fault_type = SqsFault

    def __init__(self, upstream: str, keep: bool = False, **common: Any) -> None:
        super().__init__(**common)
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{upstream!r} is not an http:// URL")
        self.upstream = (parts.hostname, parts.port or 80)
        self.keep = keep

    def key(self, request: Request) -> str:
        """The operation, which is what faults are about."""
        return operation(request)

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Forward; then spoil the answer as the fault says."""
        assert isinstance(fault, SqsFault)
        self._note(request, record)
        failed = self._split(request, fault)
        answer = self._forward(request, record, failed)
        if failed or fault.edit is not None:
            document = json.loads(answer.body or b"{}")
            if failed and answer.status == 200:
                report(document, failed, fault)
            if fault.edit is not None:
                document = fault.edit(document)
            answer.body = json.dumps(document).encode()
        if fault.corrupt is not None:
            corrupted(answer, fault.corrupt)
        if self.keep:
            record.note["answer"] = answer.body.decode("utf-8", "replace")
        return answer

    def _note(self, request: Request, record: Record) -> None:
        signed = re.search("Credential=([^/,]+)/", request.header("Authorization"))
        record.note["access_key"] = signed.group(1) if signed else None
        record.note["session"] = bool(request.header("X-Amz-Security-Token"))
        entries = entries_of(request)
        if entries is not None:
            record.note["entries"] = len(entries)
        if self.keep:
            secret = "x-amz-security-token"
            headers = [h for h in request.headers if h[0].lower() != secret]
            record.note["headers"] = headers
            record.note["request"] = request.body.decode("utf-8", "replace")

    def _split(self, request: Request, fault: SqsFault) -> list[str]:
        """The ids that are to fail, taken out of the request unless executed."""
        entries = entries_of(request) or []
        failing = [i for i in fault.fail_entries if i < len(entries)]
        failed = [entries[i]["Id"] for i in failing]
        if failed and not fault.executed:
            document = json.loads(request.body)
            kept = [e for e in entries if e["Id"] not in failed]
            document["Entries"] = kept
            request.body = json.dumps(document).encode()
        return failed

    def _forward(self, request: Request, record: Record, failed: list[str]) -> Answer:
        entries = entries_of(request)
        if failed and not entries:
            # A batch may not be empty: there is nothing left to ask for.
            kind = [("Content-Type", "application/x-amz-json-1.0")]
            return Answer(200, kind, b'{"Successful": []}')
        link = http.client.HTTPConnection(*self.upstream, timeout=UPSTREAM_TIMEOUT)
        try:
            link.putrequest(
                request.method,
                request.target,
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in request.headers:
                if name.lower() not in HOP_BY_HOP | {"content-length", "expect"}:
                    link.putheader(name, value)
            if request.body or request.header("Content-Length"):
                link.putheader("Content-Length", str(len(request.body)))
            link.endheaders(request.body)
            answer = link.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            record.note["upstream"] = f"{type(error).__name__}: {error}"
            return Answer(502, [("Content-Type", "text/plain")], b"no upstream\n")
        finally:
            link.close()
        record.note["upstream"] = answer.status
        dropped = HOP_BY_HOP | {"content-length"}
        headers = [h for h in answer.getheaders() if h[0].lower() not in dropped]
        return Answer(answer.status, headers, body)


def entries_of(request: Request) -> list[dict[str, Any]] | None:
    """The entries of a batch in JSON, None for anything else."""
    if not request.header("X-Amz-Target").endswith("Batch"):
        return None
    try:
        entries = json.loads(request.body)["Entries"]
    except (ValueError, KeyError, TypeError):
        return None
    return entries if isinstance(entries, list) else None


def report(document: dict[str, Any], failed: list[str], fault: SqsFault) -> None:
    """Tell in an answer that entries failed."""
    done = [e for e in document.get("Successful", []) if e["Id"] not in failed]
    entries = document.get("Failed", [])
    entries += [
        {
            "Id": name,
            "SenderFault": fault.sender_fault,
            "Code": fault.fail_code,
            "Message": fault.fail_message,
        }
        for name in failed
    ]
    document["Successful"], document["Failed"] = done, entries


def service_error(
    code: str,
    message: str,
    status: int = 400,
    query_code: str | None = None,
    fault: str = "Sender",
    shape: str = "com.amazonaws.sqs",
) -> dict[str, Any]:
    """The members of a fault that answers as SQS words its errors.

    proxy.fault("SendMessageBatch", **service_error("ThrottlingException", "..."))
    """
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    if query_code is not None:
        headers["x-amzn-query-error"] = f"{query_code};{fault}"
    body = json.dumps({"__type": f"{shape}#{code}", "message": message})
    return {"status": status, "headers": headers, "body": body}


def main() -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    service.add_arguments(parser)
    parser.add_argument("--upstream", required=True, metavar="URL")
    parser.add_argument("--cert", metavar="FILE", help="serve TLS with this chain")
    parser.add_argument("--key", metavar="FILE", help="the certificate's key")
    parser.add_argument(
        "--close", action="store_true", help="close the connection after each answer"
    )
    parser.add_argument(
        "--keep", action="store_true", help="bodies and headers in the log"
    )
    args = parser.parse_args()
    if (args.cert is None) != (args.key is None):
        parser.error("--cert and --key go together")

    def make() -> SqsProxy:
        return SqsProxy(
            args.upstream,
            keep=args.keep,
            host=args.host,
            port=args.port,
            keep_alive=not args.close,
            control=args.control,
            tls=(args.cert, args.key) if args.cert else None,
            log_file=args.log,
        )

    return service.run(make, args)


if __name__ == "__main__":
    sys.exit(main())
