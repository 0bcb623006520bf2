# SPDX-License-Identifier: Apache-2.0
"""Errors as the real service words them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any

from aid.sqsproxy import service_error

CORAL = "com.amazon.coral.service"


def coral(code: str, message: str, query: str, key: str = "message") -> dict[str, Any]:
    """An authentication failure as the real service words it."""
    fault = service_error(code, message, 403, query, shape=CORAL)
    fault["body"] = json.dumps({"__type": f"{CORAL}#{code}", key: message})
    return fault


def denied(operation: str) -> dict[str, Any]:
    """A policy that does not allow it."""
    return coral(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/sqs-entropy/i-0 is not "
        f"authorized to perform: sqs:{operation} on resource: "
        "arn:aws:sqs:eu-west-1:123456789012:entropy because no identity-based policy "
        f"allows the sqs:{operation} action",
        "AccessDenied",
        "Message",
    )


UNSIGNED = coral(
    "AccessDeniedException",
    "Access to the resource https://sqs.eu-west-1.amazonaws.com/ is denied.",
    "AccessDenied",
    "Message",
)
UNKNOWN_KEY = coral(
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
    "InvalidClientTokenId",
)
WRONG_SIGNATURE = coral(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method.",
    "SignatureDoesNotMatch",
)
EXPIRED = coral(
    "ExpiredTokenException",
    "The security token included in the request is expired",
    "ExpiredToken",
)


def skewed(now: float, ahead: bool) -> dict[str, Any]:
    """The refusal of a clock that is off, by a service whose time is now."""
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    text = "not yet current" if ahead else "expired"
    than = "later" if ahead else "earlier"
    fault = coral(
        "InvalidSignatureException",
        f"Signature {text}: 20261122T000000Z is now {than} than {stamp} ({stamp} "
        "+ 5 min.)",
        "SignatureDoesNotMatch",
    )
    fault["headers"]["Date"] = formatdate(now, usegmt=True)
    return fault


THROTTLED = service_error("RequestThrottled", "Rate exceeded", 403, "RequestThrottled")
THROTTLING = service_error("ThrottlingException", "Rate exceeded", 400)
PASSING = {
    "throttled": THROTTLED,
    "throttling": THROTTLING,
    "429": {"status": 429, "body": "slow down"},
    "500": service_error("InternalError", "We encountered an internal error.", 500),
    "502 of a proxy": {"status": 502, "body": "<html>Bad Gateway</html>"},
    "503": service_error("ServiceUnavailable", "Unavailable", 503),
    "504": {"status": 504, "body": ""},
    "dropped": {"end": "drop"},
    "reset": {"end": "reset"},
}
