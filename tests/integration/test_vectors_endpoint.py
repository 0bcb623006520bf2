# SPDX-License-Identifier: Apache-2.0
"""Which host is asked, against the cases that botocore has of its own.

VECTORS=DIR names a folder that has functional/endpoint-rules/sqs and
functional/configured_endpoint_urls of boto/botocore's tests in botocore/tests.
They are no part of this project.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(os.environ.get("VECTORS", "")) / "botocore" / "tests" / "functional"
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "endpoint"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

# By what a case asks for, and why none is run that does.
NO_REGION = "a request cannot be signed without a region, whoever is asked"
NO_SUCH_ARGUMENT = "there is the variable and the profile's key, and no option"

# What an error is about, in the words of the cases and in ours.
ERRORS = [
    ("FIPS", "FIPS endpoint"),
    ("Dualstack", "dual-stack endpoint"),
    ("Missing Region", "no region"),
]


class Answer(NamedTuple):
    """What the program says: a URL, or what is wrong."""

    url: str
    error: str


def ask(env: dict[str, str], *args: str) -> Answer:
    """Ask where a service is, in this environment alone."""
    got = subprocess.run(
        [TOOL, *args], env=env, capture_output=True, text=True, check=False
    )
    assert got.returncode in (0, 1), got.stderr
    return Answer(got.stdout.strip(), got.stderr.strip())


def rules() -> list[dict[str, Any]]:
    """The cases about regions, FIPS and dual-stack."""
    file = FOLDER / "endpoint-rules" / "sqs" / "endpoint-tests-1.json"
    cases: list[dict[str, Any]] = json.loads(file.read_text())["testCases"]
    return cases


def reason_against(params: dict[str, Any]) -> str | None:
    """Why a case of the rules does not apply."""
    return NO_REGION if "Region" not in params and "Endpoint" in params else None


def rules_answer(params: dict[str, Any]) -> Answer:
    """Ask by the names that the SDKs' users know."""
    env = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_USE_FIPS_ENDPOINT": str(params.get("UseFIPS", False)).lower(),
        "AWS_USE_DUALSTACK_ENDPOINT": str(params.get("UseDualStack", False)).lower(),
    }
    region = [params["Region"]] if "Region" in params else []
    return ask(env, "sqs", params.get("Endpoint", ""), *region)


def test_rules_are_as_published() -> None:
    run, left = [], []
    for case in rules():
        params = case.get("params", {})
        if reason_against(params):
            left.append(case["documentation"])
            continue
        run.append(params)
        got = rules_answer(params)
        if "error" in case["expect"]:
            said = [ours for theirs, ours in ERRORS if theirs in str(case["expect"])]
            assert got.url == "", case
            assert said[0] in got.error, case
        else:
            assert got == (case["expect"]["endpoint"]["url"], ""), case
    assert len([params for params in run if "Region" in params]) >= 43
    assert len(left) <= 1, left


# ---- URLs that are configured


def suites() -> list[dict[str, Any]]:
    """The sets of profiles, variables and arguments, each with its cases."""
    file = FOLDER / "configured_endpoint_urls" / "profile-tests.json"
    found: list[dict[str, Any]] = json.loads(file.read_text())["testSuites"]
    return found


def config_text(suite: dict[str, Any]) -> Iterator[str]:
    """The configuration file of a suite, in lines."""
    for name, keys in suite["profiles"].items():
        yield f"[profile {name}]"
        yield from (f"{key} = {value}" for key, value in keys.items())
    for name, services in suite["services"].items():
        yield f"[services {name}]"
        for service, keys in services.items():
            yield f"{service} ="
            yield from (f"  {key} = {value}" for key, value in keys.items())


def test_configured_urls_are_as_published(tmp_path: Path) -> None:
    config = tmp_path / "config"
    run, left = 0, []
    for suite in suites():
        config.write_text("\n".join(config_text(suite)) + "\n")
        for case in suite["endpointUrlTests"]:
            client = suite["client_configs"][case["client_config"]]
            if "ignore_configured_endpoint_urls" in client:
                left.append((case["name"], NO_SUCH_ARGUMENT))
                continue
            env = {
                "AWS_CONFIG_FILE": str(config),
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_PROFILE": case["profile"],
                **suite["environments"][case["environment"]],
            }
            got = ask(env, case["service"], client.get("endpoint_url", ""))
            assert got == (case["output"]["endpointUrl"], ""), case
            run += 1
    assert run >= 37
    assert len(left) <= 2, left
