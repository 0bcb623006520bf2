# SPDX-License-Identifier: Apache-2.0
"""ElasticMQ, another SQS than moto, in a server that nobody here wrote either.

ELASTICMQ=CLASSPATH names its jar, or several as java's option -cp takes them
("DIRECTORY/*"): org.elasticmq:elasticmq-server_2.13 and what it depends on.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aid.imds import ACCOUNT
from aid.processes import die_with_parent, end_group
from aid.queue import REGION, Server

JARS = os.environ.get("ELASTICMQ", "")
START = 120  # seconds; a JVM on a busy machine takes its time

both_servers = pytest.mark.parametrize(
    "server",
    [
        "moto",
        pytest.param(
            "elasticmq",
            marks=pytest.mark.skipif(
                not JARS, reason="ELASTICMQ=CLASSPATH names no ElasticMQ"
            ),
        ),
    ],
    indirect=True,
)

CONFIGURATION = """
include classpath("application.conf")
node-address {{ protocol = http, host = 127.0.0.1, port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = 127.0.0.1 }}
rest-sqs.sqs-limits = strict
rest-stats.enabled = false
aws {{ region = {region}, accountId = {account} }}
"""


def free_port() -> int:
    """A port that nobody listens at: ElasticMQ wants to be told one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"ElasticMQ did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def elasticmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start ElasticMQ."""
    place = tmp_path_factory.mktemp("elasticmq")
    port, conf, log = free_port(), place / "conf", place / "log"
    conf.write_text(CONFIGURATION.format(port=port, region=REGION, account=ACCOUNT))
    command = ["java", f"-Dconfig.file={conf}", "-cp", JARS]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "org.elasticmq.server.Main"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=place,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        wait_for_port(process, port, log)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        end_group(process)
