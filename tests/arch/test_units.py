# SPDX-License-Identifier: Apache-2.0
"""Every unit test of the architecture, in its root, by emulation."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ["ARCH_BUILD"])
ROOT = os.environ["ARCH_ROOT"]
LIMIT = 180  # seconds
# Each of these must fail or be skipped: it is here because it cannot pass.
NO_FILTER = "qemu-user answers EINVAL to prctl(PR_SET_SECCOMP)"
NO_REAPER = "qemu-user answers EINVAL to prctl(PR_SET_CHILD_SUBREAPER)"
NO_LOOK = "in its /proc/PID/mem are the addresses of qemu-user on 64 bits"
CANNOT = {
    "confine/test_confine": dict.fromkeys(
        [
            "each_half_keeps_only_the_privileges_it_needs",
            "a_confined_half_knows_what_is_in_force",
            "without_seccomp_the_rest_is_confined_all_the_same",
            "filters_that_the_kernel_refuses_are_an_error",
            "what_is_not_to_be_had_is_told",
            "a_step_that_did_not_take_is_an_error",
        ],
        NO_FILTER,
    ),
    "confine/test_runner": dict.fromkeys(
        [
            "the_words_are_no_text_for_a_shell",
            "a_command_may_be_given_an_input",
            "how_a_command_ended_is_told",
            "it_is_asked_again_and_again",
            "who_is_left_is_killed",
            "it_ends_with_the_online_half",
            "it_has_neither_rights_nor_descriptors",
            "it_has_the_signals_of_a_new_program",
            "its_environment_has_no_secret",
        ],
        NO_REAPER,
    ),
    "confine/test_runner_inside": dict.fromkeys(
        [
            "what_a_command_wrote_stays_with_who_asked",
            "a_closed_output_does_not_wake_it",
        ],
        NO_REAPER,
    ),
    "confine/test_calls_allowed": {
        "each_half_may_make_the_calls_of_its_list": NO_FILTER
    },
    "producer/offline/test_notify": {"it_works_when_confined": NO_FILTER},
    "confine/test_calls": dict.fromkeys(
        [
            "the_agents_offline_half_has_only_its_calls",
            "the_producers_offline_half_has_only_its_calls",
            "the_online_half_has_only_its_calls",
            "an_abort_ends",
        ],
        NO_FILTER,
    ),
}
if os.environ["ARCH"] == "armhf":
    CANNOT |= {
        "aws/test_sigv4": {"only_the_kept_key_stays_in_memory": NO_LOOK},
        "message/test_sign": {"what_was_signed_or_verified_is_wiped": NO_LOOK},
    }
# There the runner's process ends as soon as it is scheduled, which may be before or
# after these have said something to it: whether they pass is chance.
BY_CHANCE = {
    "confine/test_runner": {
        "another_wish_than_to_run_it_ends_it",
        "waiting_can_be_canceled",
    }
}


def programs(build: str) -> list[str]:
    """The programs of a build; there is one for each source."""
    sources = sorted((TREE / "tests/unit").rglob("test_*.c"))
    return [f"{build}/{s.relative_to(TREE).with_suffix('')}" for s in sources]


def run_there(program: str) -> subprocess.CompletedProcess[str]:
    """Run it as make check-unit would."""
    script = 'cd "$1" && exec "$2"'
    there = ["chroot", ROOT, "env", "-i", "PATH=/usr/bin:/bin"]
    return subprocess.run(
        [*there, "sh", "-c", script, "sh", str(TREE), str(BUILT / program)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT,
        check=False,
    )


def named(word: str, text: str) -> set[str]:
    """The tests that cmocka says this of."""
    return set(re.findall(rf"^\[  {word} +\] (\w+)$", text, re.MULTILINE))


@pytest.mark.parametrize("program", programs("build"))
def test_every_unit_test_passes(program: str) -> None:
    """It passes, but for what cannot."""
    name = program.removeprefix("build/tests/unit/")
    cannot = set(CANNOT.get(name, {}))
    got = run_there(program)
    said = got.stdout + got.stderr
    ran = re.search(r"^\[=+\] (\d+) test\(s\) run", said, re.MULTILINE)
    assert ran, f"{got.returncode}: {said}"
    assert int(ran.group(1)) > 0
    failed = named("FAILED", said)
    assert failed <= cannot | BY_CHANCE.get(name, set()), said
    assert cannot <= failed | named("SKIPPED", said), "one passes: take it off the list"
    # A test that fails leaves files open, for which the program ends with 1.
    left_open = bool(failed) and "left_open" in said
    assert got.returncode == (1 if left_open else len(failed)), said
