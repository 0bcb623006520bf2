#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The host of a container, which gives it credentials: that of ECS or of EKS.

    cd tests/integration
    python3 -m aid.container --host 169.254.170.2 --port 80 --port-file FILE

Standard library only.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from typing import Any, Callable

from aid import service
from aid.faults import Answer, Fault, Record, Request
from aid.imds import Credentials, Issued, made_up, stamp
from aid.standin import StandIn


def said(status: int, **members: Any) -> Answer:
    """An answer in JSON."""
    kind = [("Content-Type", "application/json")]
    return Answer(status, kind, json.dumps(members).encode())


class Container(StandIn):
    """The host. Without a token it is that of ECS, with one that of EKS."""

    def __init__(
        self,
        token: str | None = None,
        issue: Callable[[], Credentials] = made_up,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.place = f"/v2/credentials/{secrets.token_hex(16)}"
        self.token = token
        self.lifetime = 6 * 3600.0  # seconds
        self.members = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
        self.secrets: set[str] = set()
        self._issue = issue
        self.issued: Issued | None = None

    def rotate(self) -> None:
        """New credentials from the next request on."""
        self.issued = None

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Give the credentials to whoever knows the path, or the token."""
        record.note["agent"] = request.header("User-Agent")
        record.note["accept"] = request.header("Accept")
        record.note["authorized"] = bool(request.header("Authorization"))
        if request.target != self.place:
            return said(404, code="InvalidIdInRequest", message="no such task")
        if self.token is not None and request.header("Authorization") != self.token:
            return said(403, code="AccessDeniedException", message="unknown token")
        if self.issued is None:
            now = time.time()
            self.issued = Issued(self._issue(), now, now + self.lifetime)
        given = self.issued.credentials
        self.secrets |= {given.secret_key, given.token}
        document = {
            "RoleArn": "arn:aws:iam::123456789012:role/task",
            "AccessKeyId": given.access_key,
            "SecretAccessKey": given.secret_key,
            "Token": given.token,
            "Expiration": stamp(self.issued.expires),
        }
        names = ("RoleArn", *self.members)
        return said(200, **{name: document[name] for name in names})


def main() -> int:
    """Run as a program at the path /v2/credentials/here; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    service.add_arguments(parser)
    args = parser.parse_args()

    def make() -> Container:
        made = Container(host=args.host, port=args.port, log_file=args.log)
        made.place = "/v2/credentials/here"
        return made

    return service.run(make, args)


if __name__ == "__main__":
    sys.exit(main())
