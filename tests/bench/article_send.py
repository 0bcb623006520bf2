# SPDX-License-Identifier: Apache-2.0
"""The seed article's producer, or the same with up to ten messages a request.

REGION ENDPOINT QUEUE FILE COUNT EACH: so many messages of 512 bytes of the file, and
so many of them a request.
"""

import base64
import sys
from pathlib import Path

import boto3

sqs = boto3.resource("sqs", region_name=sys.argv[1], endpoint_url=sys.argv[2])
queue = sqs.get_queue_by_name(QueueName=sys.argv[3])
count, each = int(sys.argv[5]), int(sys.argv[6])
with Path(sys.argv[4]).open("rb") as source:
    for _ in range(count // each):
        bodies = [base64.b64encode(source.read(512)).decode() for _ in range(each)]
        if each == 1:
            queue.send_message(MessageBody=bodies[0])
        else:
            queue.send_messages(
                Entries=[{"Id": str(i), "MessageBody": b} for i, b in enumerate(bodies)]
            )
