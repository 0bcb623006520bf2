# SPDX-License-Identifier: Apache-2.0
"""The repository, the build, and an environment without settings of the user."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from aid.imds import Imds
from aid.sqsproxy import SqsProxy

ROOT = Path(__file__).resolve().parents[3]
PLACE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"  # where programs look for IMDS
# What the machine of a developer or a builder has set and no test may see.
UNWANTED = re.compile(
    r"AWS_.*|BOTO.*|MOTO_.*|.*_PROXY|SSL_CERT_(FILE|DIR)"
    r"|(CURL|REQUESTS)_CA_BUNDLE|INITIAL_NO_AUTH_ACTION_COUNT",
    re.IGNORECASE,
)
# All that a program under test gets from outside.
WANTED = re.compile(
    r"PATH|LANG|LC_.*|TZ|TMPDIR|LD_LIBRARY_PATH|(A|L|T|UB)SAN_OPTIONS|LLVM_.*|GCOV_.*"
)


def pytest_configure(config: pytest.Config) -> None:
    """Clean this process, before boto3 and moto read its environment."""
    for name in [n for n in os.environ if UNWANTED.fullmatch(n)]:
        del os.environ[name]
    # A shell script that starts us in the background has them ignored, and so would
    # be what we start: a half that a test ends by SIGQUIT would live on.
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def build() -> Path:
    """Where the programs were built."""
    return (ROOT / os.environ.get("BUILD", "build")).resolve()


def clean(folder: Path) -> dict[str, str]:
    """Give an environment with nothing of the caller's, and directories of its own."""
    values = {n: v for n, v in os.environ.items() if WANTED.fullmatch(n)}
    for name in "HOME", "STATE_DIRECTORY", "RUNTIME_DIRECTORY":
        values[name] = str(folder / name.lower())
        Path(values[name]).mkdir()
    return values


@pytest.fixture
def env(tmp_path: Path, imds: Imds, proxy: SqsProxy) -> dict[str, str]:
    """Give an environment for programs: the stand-ins and nothing of the caller's.

    Credentials come from the IMDS stand-in, SQS is the proxy in front of moto.
    """
    return {**clean(tmp_path), PLACE: imds.url, "AWS_ENDPOINT_URL_SQS": proxy.url}
