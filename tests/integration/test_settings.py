# SPDX-License-Identifier: Apache-2.0
"""The table of settings is what every other place says, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest

from aid import directives
from aid.settings import Places, Setting, Table, in_check

PROGRAMS = ["agent", "producer"]

# A row that only the table has: every place has to miss it.
PLANTED = Setting(
    name="made-up",
    kind="long",
    option=True,
    file=True,
    credential=True,
    directive=True,
    min=2,
    max=7,
    size=8,
    letter="z",
    value="N",
    help="do more",
    initial="3",
)


@pytest.fixture(params=PROGRAMS)
def table(request: pytest.FixtureRequest, build: Path) -> Table:
    """Give the table of each program."""
    return Table.of(build, request.param)


def places_of(table: Table, run: Callable[..., Any], scratch: Path) -> Places:
    """The other places of a program's settings."""

    def ask(*args: Any) -> Any:
        return run(table.program, *args)

    name = table.program.rpartition("-")[2]
    return Places(name, ask("--help").out.decode(), ask, scratch)


@pytest.fixture
def places(table: Table, run: Callable[..., Any], tmp_path: Path) -> Places:
    """Give the other places of each program's settings."""
    return places_of(table, run, tmp_path)


def complaints(places: Places, table: Table) -> Iterator[str]:
    """All that does not agree with the table."""
    yield from places.documents(table)
    yield from places.parser(table)
    if places.name == "agent":
        module = directives.load("cc_sqs_entropy")
        yield from places.directive(table, module, directives.schema())


def test_every_setting_is_in_every_place(table: Table, places: Places) -> None:
    assert "\n".join(complaints(places, table)) == ""


def test_the_lines_of_help_fit_a_terminal(places: Places) -> None:
    assert [line for line in places.help.splitlines() if len(line) > 79] == []


def test_names_and_letters_are_given_once(table: Table) -> None:
    names = [row.name for row in table.settings]
    letters = [row.letter for row in table.settings if row.letter]
    actions = {row.name for row in table.settings if row.kind == "action"}
    assert len(set(names)) == len(names)
    assert len(set(letters)) == len(letters)
    for row in table.settings:
        assert row.undoes is None or row.undoes in names
        assert set(re.findall(r"--([a-z-]+)", row.belongs_to or "")) <= actions


def test_a_planted_setting_is_missed_in_every_place(
    table: Table, places: Places
) -> None:
    name, program = places.name, table.program
    planted = replace(table, settings=(*table.settings, PLANTED))
    expected = {
        "not in --help",
        f"not in {name}/man/{program}.8",
        f"not in {name}/man/{program}.conf.5",
        f"not in {name}/{name}.conf",
        f"differs in the synopsis of {name}/man/{program}.8",
        f"differs among the credentials of {name}/man/{program}.8",
        "not in the option parser (--made-up 2)",
        "not in the option parser (--made-up 7)",
        "not in the option parser (-z 2)",
        "not in the option parser (-z 7)",
        "not in the file (2)",
        "not in the file (7)",
        "not in --check",
    }
    if name == "agent":
        expected |= {
            "not in cloud-init/schema.json",
            "not in cloud-init/cc_sqs_entropy.py",
            "not in cloud-init/README.md",
        }
    # That a key which is not there is refused for its value, too, is one more.
    found = {
        line for line in complaints(places, planted) if "in the file is acc" not in line
    }
    assert found == {f"made-up: {place}" for place in expected}


def test_what_the_table_lacks_is_found_in_every_place(
    table: Table, places: Places
) -> None:
    """A row for each layer is taken away."""
    name, program = places.name, table.program
    lost = {"agent": "messages", "producer": "device"}[name]
    rest = tuple(row for row in table.settings if row.name != lost)
    too_much = "in {}, not in the table"
    expected = {
        too_much.format("--help"),
        too_much.format(f"{name}/man/{program}.8"),
        too_much.format(f"{name}/man/{program}.conf.5"),
        too_much.format(f"{name}/{name}.conf"),
        too_much.format("--check"),
    }
    if name == "agent":
        expected |= {
            too_much.format("cloud-init/schema.json"),
            too_much.format("cloud-init/cc_sqs_entropy.py"),
            too_much.format("cloud-init/README.md"),
        }
    letter = {"agent": "m", "producer": "d"}[name]
    page = f"differs in the synopsis of {name}/man/{program}.8"
    found = set(complaints(places, replace(table, settings=rest)))
    assert found == {f"{lost}: {text}" for text in expected} | {f"{letter}: {page}"}


def test_another_range_and_default_are_found_in_every_place(
    build: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    table = Table.of(build, "agent")
    places = places_of(table, run, tmp_path)
    rows = [
        replace(row, max=9, initial="2") if row.name == "messages" else row
        for row in table.settings
    ]
    page = "agent/man/sqs-entropy-agent"
    assert set(complaints(places, replace(table, settings=tuple(rows)))) == {
        "messages: '-m N: take up to N messages, 1-10 (1)' in --help",
        f"messages: the range 1 to 10 in {page}.8",
        f"messages: the default 1 in {page}.8",
        f"messages: the range 1 to 10 in {page}.conf.5",
        f"messages: the default 1 in {page}.conf.5",
        "messages: the range 1 to 10 in agent/agent.conf",
        "messages: the value 1 in agent/agent.conf",
        "messages: --messages '10' is accepted",
        "messages: -m '10' is accepted",
        "messages: '10' in the file is accepted",
        "messages: the default 1 in --check",
        "messages: maximum 10 in cloud-init/schema.json",
        "messages: default 1 in cloud-init/schema.json",
        "messages: 10 is accepted in cloud-init/cc_sqs_entropy.py",
        "messages: the range 1 to 10 in cloud-init/README.md",
        "messages: the default 1 in cloud-init/README.md",
    }


def test_check_prints_a_file_that_says_the_same(
    table: Table, run: Callable[..., Any], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.conf", tmp_path / "second.conf"
    bundle = tmp_path / 'a "b" \\ ${HOME} #'
    bundle.write_text("")
    first.write_text(f"region = \"eu-west-1\"\n\nca-bundle = '{bundle}'\n")
    queues = ["-q", "entropy", "-q", "arn:aws:sqs:eu-west-1:123456789012:b"]
    got = run(table.program, "--check", "-c", first, *queues)
    assert (got.code, got.err) == (0, "")
    *lines, last = got.out.decode().splitlines(keepends=True)
    assert last == f"{first}: valid\n"
    said = in_check(got.out)
    assert said["region"] == ("eu-west-1", f"{first}:1")
    assert said["ca-bundle"][1] == f"{first}:3"
    assert said["queue"] == (f'{{"{queues[1]}", "{queues[3]}"}}', "option")
    assert said["profile"] == ("", "default")
    second.write_text("".join(lines))
    again = run(table.program, "--check", "-c", second)
    assert again.code == 0, again.err
    values = [line.rstrip().partition("  # ")[0] for line in lines]
    *lines, _ = again.out.decode().splitlines()
    assert [line.partition("  # ")[0] for line in lines] == values


def test_of_two_rules_check_prints_the_one_that_holds(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    conf = tmp_path / "producer.conf"
    begin = "queue = q\nregion = eu-west-1\n"
    check = ("sqs-entropy-producer", "--check", "-c", conf)

    def say(lines: str) -> dict[str, tuple[str, str]]:
        conf.write_text(begin + lines)
        got = run(*check)
        assert got.code == 0, got.err
        said = in_check(got.out)
        # What it prints says the same.
        conf.write_text("".join(got.out.decode().splitlines(keepends=True)[:-1]))
        again = in_check(run(*check).out)
        assert {n: v for n, (v, _) in again.items()} == {
            n: v for n, (v, _) in said.items()
        }
        return said

    said = say("")
    assert said["depth"] == ("1000", "default")
    assert said["producers"] == ("2", "default")
    assert not {"low-watermark", "burst"} & set(said)
    said = say("depth = 20\nproducers = 3\n")
    assert said["depth"] == ("20", f"{conf}:3")
    assert said["producers"] == ("3", f"{conf}:4")
    assert not {"low-watermark", "burst"} & set(said)
    said = say("burst = 4\n")
    assert said["low-watermark"] == ("10", "default")
    assert said["burst"] == ("4", f"{conf}:3")
    assert not {"depth", "producers"} & set(said)
    said = say("low-watermark = 7\nproducers = 1\n")
    assert said["low-watermark"] == ("7", f"{conf}:3")
    assert said["burst"] == ("10", "default")
    assert not {"depth", "producers"} & set(said)


def test_check_tells_a_key_that_the_service_manager_hands_over(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    made = run("sqs-entropy-producer", "--seal", "--genkey", tmp_path / "seal-key")
    assert made.code == 0
    environment = {**run.env, "CREDENTIALS_DIRECTORY": str(tmp_path)}  # type: ignore[attr-defined]
    got = run("sqs-entropy-agent", "--check", env=environment)
    assert in_check(got.out)["seal-key"] == (
        str(tmp_path / "seal-key"),
        "credential of the service",
    )


def test_two_actions_exclude_each_other(
    table: Table, run: Callable[..., Any], tmp_path: Path
) -> None:
    new = tmp_path / "new"
    actions = [
        [f"--{row.name}" + (f"={new}" if row.value else "")]
        for row in table.settings
        if row.kind == "action"
    ]
    assert len(actions) > 3
    for first in actions:
        for second in actions:
            got = run(table.program, *first, *second)
            if first is second:
                # --setup wants an answer here.
                assert got.code != 64 or "no answer to " in got.err, got.err
                new.unlink(missing_ok=True)
                continue
            assert (got.code, got.out) == (64, b"")
            names = [words[0].partition("=")[0] for words in (first, second)]
            assert f"{names[0]} and {names[1]} exclude each other" in got.err
    assert not new.exists()


def test_an_unknown_key_is_told_with_all_that_there_are(
    table: Table, run: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "unknown.conf"
    file.write_text("quue = x\n")
    got = run(table.program, "--check", "-c", file)
    assert got.code == 78
    told = set(re.split(r"[ ,.:\n]+", got.err.partition("quue")[2]))
    assert table.names("file") <= told, got.err
