# SPDX-License-Identifier: Apache-2.0
"""An account of AWS: moto with CloudFormation, in this process, more like AWS.

It needs what tests/requirements-aws.txt adds, so it imports that as late as it can.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from aid.queue import Moto


def do_as_aws_does() -> None:
    """Correct moto where it is not like AWS.

    AWS has no permission for a batch: SendMessageBatch needs sqs:SendMessage, and its
    like ("Actions, resources, and condition keys").  GetQueueUrl is about the queue
    that it names, and GetParameter about that parameter.  And a stack that a change
    set made has outputs.
    """
    from moto.cloudformation.models import ChangeSet
    from moto.iam.access_control import IAMRequestBase
    from moto.sqs.responses import SQSResponse
    from moto.ssm.responses import SimpleSystemManagerResponse

    made, name = IAMRequestBase.__init__, SQSResponse._get_queue_name
    applied = ChangeSet.apply

    def make(self: Any, *args: Any, **values: Any) -> None:
        made(self, *args, **values)
        if self._service == "sqs":
            self._action = self._action.removesuffix("Batch")

    def queue_name(self: Any) -> str:
        return self._get_param("QueueName") or name(self)

    def apply(self: Any) -> None:
        applied(self)
        self.stack.template = self.template
        self.stack._parse_template()
        self.stack.output_map = self.stack._create_output_map()

    def parameter(self: Any) -> str:
        where = f"{self.region}:{self.current_account}"
        return f"arn:aws:ssm:{where}:parameter{self._get_param('Name')}"

    SimpleSystemManagerResponse._determine_resource = parameter  # type: ignore[attr-defined]
    ChangeSet.apply = apply  # type: ignore[method-assign]
    IAMRequestBase.__init__ = make  # type: ignore[method-assign]
    SQSResponse._get_queue_name = queue_name  # type: ignore[method-assign]


@contextlib.contextmanager
def account(host: str = "127.0.0.1", port: int = 0) -> Iterator[Moto]:
    """Serve the account for as long as this lasts, on a port of choice or any."""
    from moto.server import ThreadedMotoServer

    do_as_aws_does()
    server = ThreadedMotoServer(host, port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Moto(f"http://{host}:{port}", os.getpid())
    finally:
        server.stop()
