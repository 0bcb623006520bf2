# SPDX-License-Identifier: Apache-2.0
"""A stand-in as a program: its common options, its port file, its end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Callable

from aid.standin import CONTROL_PATH, StandIn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every stand-in has."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0, the default: any")
    parser.add_argument(
        "--port-file", metavar="FILE", help="write the port here once it listens"
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help=f"take commands as JSON by POST {CONTROL_PATH}, tell the log by GET",
    )
    parser.add_argument(
        "--fault",
        metavar="JSON",
        action="append",
        default=[],
        help='such as \'{"match": "PUT *", "status": 503, "count": 2}\'; repeatable',
    )
    parser.add_argument(
        "--log", metavar="FILE", help="append a line of JSON a request, no secrets"
    )


def write_port(path: Path, port: int) -> None:
    """Write the port whole or not at all, because somebody polls for the file."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(f"{port}\n", encoding="ascii")
    part.replace(path)


def run(make: Callable[[], StandIn], args: argparse.Namespace) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP; the exit code."""
    ending = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    # Blocked before any thread starts, so that only sigwait() sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    port_file = Path(args.port_file) if args.port_file else None
    try:
        if port_file is not None:
            port_file.unlink(missing_ok=True)
        standin = make()
        for text in args.fault:
            standin.apply({"fault": json.loads(text)})
        standin.start()
    except (OSError, ValueError, TypeError) as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    try:
        if port_file is not None:
            write_port(port_file, standin.port)
        print(f"listening on {standin.url}", flush=True)
        signal.sigwait(ending)
    finally:
        standin.stop()
        if port_file is not None:
            port_file.unlink(missing_ok=True)
    return 0
