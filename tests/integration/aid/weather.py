# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of the queue whose faults are drawn by chance, from a seed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
import time
from collections import Counter
from typing import Any, Callable

from aid.faults import CONNECT, Answer, Fault, Record, Request
from aid.sqsproxy import SqsProxy, service_error
from aid.standin import Handler

Draw = Callable[[random.Random], dict[str, Any]]

THROTTLED = service_error("ThrottlingException", "Rate exceeded")
# How often each strikes a request, in thousandths, and what it does.
REQUESTS: dict[str, tuple[int, Draw]] = {
    "slow request": (60, lambda r: {"delay": r.uniform(0, 1.5)}),
    "slow answer": (60, lambda r: {"hold": r.uniform(0, 1.5)}),
    "request lost": (15, lambda _: {"end": "drop", "forward": False}),
    "answer lost": (25, lambda _: {"end": "drop", "forward": True}),
    "reset": (20, lambda r: {"end": "reset", "forward": r.random() < 0.5}),
    "silence": (8, lambda r: {"end": "silence", "forward": r.random() < 0.5}),
    "answer cut": (15, lambda r: {"truncate": r.randrange(64), "end": "drop"}),
    "error 500": (20, lambda _: {"status": 500}),
    "error 503": (20, lambda _: {"status": 503}),
    "throttled": (20, lambda _: THROTTLED),
    "entry refused": (20, lambda _: {"fail_entries": [0]}),
}
CONNECTIONS: dict[str, tuple[int, Draw]] = {
    "connection slow": (40, lambda r: {"delay": r.uniform(0, 1.0)}),
    "connection reset": (40, lambda _: {"end": "reset"}),
    "connection silent": (8, lambda _: {"end": "silence"}),
}
OUTAGE = "outage"


class Weather(SqsProxy):
    """Strikes by chance, and everything in the outages, which are moments in s.

    It notes the digests of the payloads that reached the queue, were received from
    it and were deleted for good, and which connections and requests are under way.
    """

    def __init__(
        self, upstream: str, seed: str, outages: list[tuple[float, float]], **more: Any
    ) -> None:
        super().__init__(upstream, **more)
        self.chance = random.Random(seed)
        self.outages = outages
        self.began = time.monotonic()
        self.fair = False
        self.struck: Counter[str] = Counter()
        self.busy, self.requests = 0, 0
        self.sent: Counter[str] = Counter()
        self.deleted: set[str] = set()
        self.receipts: dict[str, str] = {}
        self.noting = threading.Lock()

    def _is_out(self) -> bool:
        now = time.monotonic() - self.began
        return any(begin <= now < end for begin, end in self.outages)

    def take(self, key: str) -> Fault | None:
        """The fault for this request or connection, if one is drawn."""
        if self.fair:
            return None
        with self.noting:
            if self._is_out():
                self.struck[OUTAGE] += 1
                return self.fault_type(key, end="reset")
            point = self.chance.randrange(1000)
            for name, (often, draw) in (
                CONNECTIONS if key == CONNECT else REQUESTS
            ).items():
                if point < often:
                    self.struck[name] += 1
                    return self.fault_type(key, **draw(self.chance))
                point -= often
        return None

    def exchange(self, request: Request, handler: Handler) -> None:
        """Count it, from its first byte to the end of its answer."""
        with self.noting:
            self.busy += 1
            self.requests += 1
        try:
            super().exchange(request, handler)
        finally:
            with self.noting:
                self.busy -= 1

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Carry it out, and note what that did to the queue."""
        answer = super().respond(request, fault, record)
        # What SQS really answered: the fault comes later, but for refused entries.
        if answer.status == 200:
            with self.noting:
                self._note_done(record.key, json.loads(request.body), answer.body)
        return answer

    def _note_done(self, key: str, asked: dict[str, Any], answer: bytes) -> None:
        told = json.loads(answer or b"{}")
        done = {entry["Id"] for entry in told.get("Successful", [])}
        entries = [e for e in asked.get("Entries", []) if e["Id"] in done]
        if key == "SendMessageBatch":
            self.sent.update(digest(e["MessageBody"]) for e in entries)
        elif key == "DeleteMessageBatch":
            self.deleted |= {self.receipts[e["ReceiptHandle"]] for e in entries}
        for message in told.get("Messages", []):
            self.receipts[message["ReceiptHandle"]] = digest(message["Body"])


def digest(body: str) -> str:
    """What a message's payload is known by."""
    return hashlib.sha256(base64.b64decode(body)).hexdigest()
