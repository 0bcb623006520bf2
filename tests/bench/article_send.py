# SPDX-License-Identifier: Apache-2.0
"""The seed article's producer, ten messages a request instead of one.

REGION ENDPOINT QUEUE FILE COUNT: so many messages of 512 bytes of the file.
"""

import base64
import sys
from pathlib import Path

import boto3

sqs = boto3.resource("sqs", region_name=sys.argv[1], endpoint_url=sys.argv[2])
queue = sqs.get_queue_by_name(QueueName=sys.argv[3])
with Path(sys.argv[4]).open("rb") as source:
    for _ in range(int(sys.argv[5]) // 10):
        bodies = [base64.b64encode(source.read(512)).decode() for _ in range(10)]
        queue.send_messages(
            Entries=[{"Id": str(i), "MessageBody": b} for i, b in enumerate(bodies)]
        )
