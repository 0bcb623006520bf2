# SPDX-License-Identifier: Apache-2.0
"""Fixtures: stand-ins at AWS's own names and addresses, a booted container.

tests/systemd/check starts this, in namespaces of its own; ROOT is where the
system to boot was unpacked, the project's files with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import Machine
from world import (
    HOST,
    METADATA,
    NAMES,
    REGION,
    SERVICE,
    World,
    add_devices,
    address,
    enable,
    settle,
)

from aid import certificates
from aid.environment import pytest_configure
from aid.imds import Imds
from aid.nameserver import NameServer
from aid.queue import Moto, moto
from aid.sqsproxy import SqsProxy

__all__ = ["moto", "pytest_configure"]


@pytest.fixture(scope="session")
def root() -> Path:
    """Where the system to boot was unpacked."""
    return Path(os.environ["ROOT"])


@pytest.fixture(scope="session")
def world(
    root: Path, moto: Moto, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Boot the machine, the units as they were installed."""
    for value in (METADATA, SERVICE, NAMES):
        address(value)
    folder = tmp_path_factory.mktemp("certificate")
    certificate = certificates.make(folder, names=(HOST,))
    settle(root, certificate.path)
    enable(root)
    machine = Machine(root)
    try:
        machine.wait()
        add_devices(machine)
        with (
            Imds(host=METADATA, port=80, region=REGION) as imds,
            SqsProxy(
                moto.url, host=SERVICE, port=443, keep=True, tls=certificate.tls
            ) as sqs,
            NameServer(NAMES, {HOST: SERVICE}) as names,
        ):
            client = moto.client("sqs")
            yield World(machine, imds, sqs, names, client)
    finally:
        machine.stop()


@pytest.fixture
def machine(world: World) -> Machine:
    """Give the booted machine alone."""
    return world.machine


@pytest.fixture
def hwrng() -> None:
    """Need a generator that works."""
    try:
        with Path("/dev/hwrng").open("rb", buffering=0) as file:
            given = file.read(1)
    except OSError as error:
        pytest.skip(f"this machine has no generator: {error}")
    assert given, "the generator gives nothing"
