# SPDX-License-Identifier: Apache-2.0
"""The credential provider of AWS IoT, which demands a certificate in TLS."""

from __future__ import annotations

import json
import ssl
import time
from pathlib import Path
from typing import Any, Callable

from aid.certificates import Certificate
from aid.faults import Answer, Fault, Record, Request
from aid.imds import Credentials, Issued, made_up, stamp
from aid.standin import StandIn


def said(status: int, **members: Any) -> Answer:
    """An answer in JSON."""
    kind = [("Content-Type", "application/json")]
    return Answer(status, kind, json.dumps(members).encode())


class Iot(StandIn):
    """The provider: one role alias, one thing, and the certificates it accepts."""

    def __init__(
        self, certificate: Certificate, issue: Callable[[], Credentials] = made_up
    ) -> None:
        super().__init__(tls=certificate.tls)
        assert self.context is not None
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.server = certificate
        self.alias, self.thing = "entropy=role", "pi-1"
        self.lifetime = 3600.0  # seconds
        self.members = ("accessKeyId", "secretAccessKey", "sessionToken", "expiration")
        self.secrets: set[str] = set()
        self._issue = issue
        self.issued: Issued | None = None

    def accept(self, *certificates: Certificate) -> None:
        """Accept these certificates, and no others, from the next handshake on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.tls)
        context.verify_mode = ssl.CERT_REQUIRED
        text = "".join(Path(c.path).read_text() for c in certificates)
        if text:
            context.load_verify_locations(cadata=text)
        self.context = context

    def rotate(self) -> None:
        """New credentials from the next request on."""
        self.issued = None

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Give credentials to the thing."""
        record.note["thing"] = request.header("x-amzn-iot-thingname")
        if request.target != f"/role-aliases/{self.alias}/credentials":
            return said(404, message="Role alias does not exist")
        if record.note["thing"] != self.thing:
            return said(403, message="Access Denied")
        if self.issued is None:
            now = time.time()
            self.issued = Issued(self._issue(), now, now + self.lifetime)
        given = self.issued.credentials
        self.secrets |= {given.secret_key, given.token}
        document = {
            "accessKeyId": given.access_key,
            "secretAccessKey": given.secret_key,
            "sessionToken": given.token,
            "expiration": stamp(self.issued.expires),
        }
        return said(200, credentials={name: document[name] for name in self.members})
