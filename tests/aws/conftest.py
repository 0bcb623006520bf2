# SPDX-License-Identifier: Apache-2.0
"""Fixtures: moto with CloudFormation, in this process, and one stack for a session."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aid.queue import Moto

pytest.register_assert_rewrite("aid")

# Before any thread is started, which would go on without the users.
importlib.import_module("aid.users")

pytest_plugins = ["aid.fixtures"]


def ask_as_aws_does() -> None:
    """Correct what moto asks of policies, by "Actions, resources, and condition keys".

    AWS has no permission for a batch: SendMessageBatch needs sqs:SendMessage, and its
    like.  And GetQueueUrl is about the queue that it names.
    """
    from moto.iam.access_control import IAMRequestBase
    from moto.sqs.responses import SQSResponse

    made, name = IAMRequestBase.__init__, SQSResponse._get_queue_name

    def make(self: Any, *args: Any, **values: Any) -> None:
        made(self, *args, **values)
        if self._service == "sqs":
            self._action = self._action.removesuffix("Batch")

    def queue_name(self: Any) -> str:
        return self._get_param("QueueName") or name(self)

    IAMRequestBase.__init__ = make  # type: ignore[method-assign]
    SQSResponse._get_queue_name = queue_name  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """Give moto with CloudFormation, for all that aid.queue's is for."""
    from moto.server import ThreadedMotoServer

    from aid.queue import Moto

    ask_as_aws_does()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Moto(f"http://{host}:{port}", os.getpid())
    finally:
        server.stop()
