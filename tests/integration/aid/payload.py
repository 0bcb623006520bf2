# SPDX-License-Identifier: Apache-2.0
"""Payloads that a test can recognise, as bytes and as bodies of messages."""

from __future__ import annotations

import base64
import random

from aid.queue import Queue


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that a test can recognise."""
    return random.Random(seed).randbytes(size)


def body(payload: bytes) -> str:
    """The body of a message that holds payload."""
    return base64.b64encode(payload).decode()


def payloads(queue: Queue) -> list[bytes]:
    """The payloads of all messages in a queue."""
    found: list[bytes] = []
    while some := queue.receive():
        found += [base64.b64decode(m["Body"]) for m in some]
    return found
