# SPDX-License-Identifier: Apache-2.0
"""tests/real_sqs asks before it makes anything, and leaves no queue behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from aid.wait import FOR_EVER

# Calls are noted; those named in $FAILS fail.
AWS = """#!/bin/sh
echo "$1 $2" "$(echo "$*" | grep -o 'queue-url [^ ]*')" >>"$LOG"
case " $FAILS " in *" $2 "*) exit 1 ;; esac
[ "$2" != create-queue ] || echo "https://sqs/1/$4"
"""


def run(root: Path, tmp_path: Path, answer: str, fails: str) -> tuple[int, list[str]]:
    """Run it with a stand-in for the aws command; exit code and calls."""
    log = tmp_path / "calls"
    for name, text in {"aws": AWS, "sleep": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [root / "tests/real_sqs"],
        input=answer,
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "LOG": str(log),
            "FAILS": fails,
        },
        capture_output=True,
        text=True,
        timeout=FOR_EVER,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(done.stderr)
    return done.returncode, [line.strip() for line in log.read_text().splitlines()]


@pytest.mark.parametrize("answer", ["", "n\n", "yes\n"])
def test_without_a_yes_nothing_is_made(root: Path, tmp_path: Path, answer: str) -> None:
    assert run(root, tmp_path, answer, "") == (1, ["sts get-caller-identity"])


def test_what_was_made_is_deleted_when_it_fails(root: Path, tmp_path: Path) -> None:
    code, calls = run(root, tmp_path, "y\n", "send-message-batch")
    assert code not in (0, 77)
    deleted = [call.split()[-1] for call in calls if "delete-queue" in call]
    assert len(deleted) == 2
    assert deleted[1] == deleted[0] + ".fifo"
    assert calls[-2:] == [f"sqs delete-queue queue-url {url}" for url in deleted]
