# SPDX-License-Identifier: Apache-2.0
"""Our search for credentials against recordings that others have published.

VECTORS=DIR names a folder that has default-credential-provider-chain and
profile-provider of smithy-lang/smithy-rs: environments, files, what services
answered, and who signed then.  They are no part of this project.  Each request
has to go to the URL that was recorded; how a URL is judged that is neither
https nor local is not tested here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

VECTORS = Path(os.environ.get("VECTORS", ""))
DATA = VECTORS / "smithy-rs/aws/rust-runtime/aws-config/test-data"
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "chain"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

SSO = "a sign-in by SSO is for people: an error that names it"
SHELL = "the command is run without a shell, as in botocore, and is a pipeline"
# Cases in which somebody signs there, and nobody here; what the error names.
REFUSED = {
    "e2e_fips_and_dual_stack_sso": (SSO, "sso_account_id"),
    "sso_assume_role": (SSO, "sso_account_id"),
    "sso_credentials": (SSO, "sso_account_id"),
    "sso_override_global_env_url": (SSO, "sso_account_id"),
    "credential_process": (SHELL, "credential_process"),
    "credential_process_account_id_fallback": (SHELL, "credential_process"),
}


class Recording(BaseHTTPRequestHandler):
    """Answers each request with what was recorded, if it is the next one."""

    server: Recorded

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def answer(self) -> None:
        """Answer one."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = self.command, self.path.removeprefix("/").rstrip("/")
        want = self.server.next(asked)
        if want is None or asked != (want.method, want.url.rstrip("/")):
            self.server.unexpected.append(f"{asked}, not {want}")
            self.send_error(501)
            return
        self.send_response(want.status)
        for name, value in want.headers.items():
            if name not in ("content-length", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(want.body)))
        self.end_headers()
        self.wfile.write(want.body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815


class Event(NamedTuple):
    """A request and what was answered."""

    method: str
    url: str
    status: int
    headers: dict[str, str]
    body: bytes


class Recorded(ThreadingHTTPServer):
    """The server of one case's recording."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.events: list[Event] = []
        self.given: dict[tuple[str, str], Event] = {}
        self.unexpected: list[str] = []

    def next(self, asked: tuple[str, str]) -> Event | None:
        """Give the next event.

        What IMDS has told may be asked for again: after a document that was
        refused we ask for the role anew, because another may be attached by now.
        """
        if self.events and asked[1] == self.events[0].url.rstrip("/"):
            event = self.events.pop(0)
            if asked[0] == "GET" and event.status == 200:
                self.given[asked] = event
            return event
        return self.given.get(asked) or (self.events[0] if self.events else None)


@pytest.fixture
def server() -> Iterator[Recorded]:
    """Give such a server."""
    with Recorded() as standin:
        thread = threading.Thread(target=standin.serve_forever)
        thread.start()
        yield standin
        standin.shutdown()
        thread.join()


def recorded(file: Path) -> list[Event]:
    """Read a recording: its requests in their order, each with its answer."""
    connections: dict[int, dict[str, Any]] = {}
    for event in json.loads(file.read_text())["events"]:
        of = connections.setdefault(event["connection_id"], {"body": b""})
        ((kind, what),) = event["action"].items()
        if kind == "Request":
            of["request"] = what["request"]
        elif kind == "Response":
            of["response"] = what["response"]["Ok"]
        elif kind == "Data" and what["direction"] == "Response":
            of["body"] += what["data"]["Utf8"].encode()
    return [
        Event(
            of["request"]["method"],
            of["request"]["uri"],
            of["response"]["status"],
            {n: v[0] for n, v in of["response"]["headers"].items()},
            of["body"],
        )
        for of in connections.values()
        if "response" in of
    ]


def prepare(case: Path, root: Path) -> dict[str, str]:
    """Put a case's files below a folder; return its environment."""
    if (case / "fs").exists():
        shutil.copytree(case / "fs", root, dirs_exist_ok=True)

    def move(text: str) -> str:
        return text.replace("/token.jwt", f"{root}/token.jwt")

    for name in ("config", "credentials"):
        file = root / "home" / ".aws" / name
        if file.exists():
            file.write_text(move(file.read_text()))
    env: dict[str, str] = json.loads((case / "env.json").read_text())
    env = {name: move(value) for name, value in env.items()}
    env["HOME"] = f"{root}/home"
    env["PATH"] = os.environ["PATH"]
    # As often as that SDK tries.
    env["AWS_METADATA_SERVICE_NUM_ATTEMPTS"] = "4"
    if case.parent.name == "profile-provider":
        # There the profile alone is asked, and the machine not after it.
        env["AWS_EC2_METADATA_DISABLED"] = "true"
        env.pop("AWS_ACCESS_KEY_ID", None)
        env.pop("AWS_SECRET_ACCESS_KEY", None)
    return env


def search(server: Recorded, case: Path, root: Path, wall: int) -> list[str]:
    """Ask the program who signs."""
    server.events = recorded(case / "http-traffic.json")
    server.given = {}
    server.unexpected = []
    url = f"http://127.0.0.1:{server.server_port}"
    done = subprocess.run(
        [TOOL, str(wall), url],
        env=prepare(case, root),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split(maxsplit=2 if done.stdout.startswith("error") else -1)


def judge(server: Recorded, case: Path, root: Path) -> str:
    """Run a case; return what is wrong, "" for nothing."""
    result = json.loads((case / "test-case.json").read_text())["result"]
    signer = result.get("Ok")
    # Just before the credentials of the recording expire.
    wall = signer.get("expiry", 0) - 3600 if signer else 0
    said = search(server, case, root, max(wall, 0))
    if signer is None or case.name in REFUSED:
        word = REFUSED[case.name][1] if case.name in REFUSED else ""
        good = said[0] == "error" and word in said[2]
        return "" if good else f"{said}, not an error"
    want = [
        signer["access_key_id"],
        signer["secret_access_key"],
        signer.get("session_token", ""),
    ]
    if said[0] != "ok":
        return f"{said}, {server.unexpected}"
    got = [bytes.fromhex(w).decode() if w != "-" else "" for w in said[1:4]]
    if got != want or int(said[4]) // 1000 != signer.get("expiry", 0):
        return f"{said} is not {signer}"
    return "; ".join([*server.unexpected, *map(str, server.events)])


@pytest.mark.parametrize(
    ("folder", "least"),
    [("default-credential-provider-chain", 29), ("profile-provider", 18)],
)
def test_credentials_are_found_as_recorded(
    server: Recorded, tmp_path: Path, folder: str, least: int
) -> None:
    cases = sorted(f.parent for f in (DATA / folder).glob("*/test-case.json"))
    assert len(cases) >= least
    wrong = {}
    for case in cases:
        said = judge(server, case, tmp_path / case.name)
        if said:
            wrong[case.name] = said
    assert wrong == {}
