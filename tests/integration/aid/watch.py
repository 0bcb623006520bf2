# SPDX-License-Identifier: Apache-2.0
"""Secrets that were given out, and a thread that looks for them in /proc."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

from aid.faults import Answer, Fault, Record, Request
from aid.imds import TOKEN_PATH, Imds

# The keys of requests, as the stand-in's log and its faults name them.
PUT = "PUT /latest/api/token"
ROLES = "GET */iam/security-credentials/"
DOCUMENT = "GET */iam/security-credentials/sqs-entropy"
SECRET = ("SecretAccessKey", "Token")
PIECE = 12  # characters of a secret in a row that are a leak


class WatchedImds(Imds):
    """An IMDS that remembers its secrets, and can act after an answer."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.secrets: set[str] = set()
        self.after: dict[str, Any] = {}  # part of a path: what to do then

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Answer, and remember the secrets in the answer."""
        answer = super().respond(request, fault, record)
        text = answer.body.decode("utf-8", "replace")
        if answer.status == 200 and request.path == TOKEN_PATH:
            self.secrets.add(text)
        if answer.status == 200 and text.startswith("{"):
            values = json.loads(text)
            self.secrets |= {values[name] for name in SECRET if name in values}
        for part, act in self.after.items():
            if part in request.path:
                act()
        return answer


def leaked(secret: str, text: str) -> bool:
    """Whether any stretch of the secret is in text."""
    ends = range(max(1, len(secret) - PIECE + 1))
    return any(secret[i : i + PIECE] in text for i in ends)


class Watcher(threading.Thread):
    """Reads what every user may see of a process, for as long as it runs."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root, self.seen = pid, dict[tuple[int, str], str]()
        self.stopping = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while True:
            self.look()
            if self.stopping.wait(0.02):
                return

    def look(self) -> None:
        """Look once, at the process and its children."""
        pids = [self.root]
        with contextlib.suppress(OSError):
            task = Path(f"/proc/{self.root}/task/{self.root}/children")
            pids += [int(pid) for pid in task.read_text().split()]
        for pid in pids:
            for name in ("cmdline", "environ"):
                # Not root: a process that cannot be dumped hides its environ.
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{pid}/{name}").read_bytes().decode("latin-1")
                    if text:
                        self.seen[pid, name] = text

    def stop(self) -> None:
        """Stop looking."""
        self.stopping.set()
        self.join()
