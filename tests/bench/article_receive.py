# SPDX-License-Identifier: Apache-2.0
"""The seed article's consumer, reduced to what it does; REGION ENDPOINT QUEUE."""

import base64
import sys

import boto3

sqs = boto3.resource("sqs", region_name=sys.argv[1], endpoint_url=sys.argv[2])
queue = sqs.get_queue_by_name(QueueName=sys.argv[3])
for message in queue.receive_messages(MaxNumberOfMessages=1):
    sys.stdout.buffer.write(base64.b64decode(message.body))
    message.delete()
