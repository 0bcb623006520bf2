# SPDX-License-Identifier: Apache-2.0
"""Results as the section "Torture" of docs/testing.md."""

from __future__ import annotations

from collections import Counter
from typing import Any

from faults import FRAMES, Fault
from known import KNOWN, why_known
from testing_page import put_section
from world import NAMES, SCENARIOS

KINDS = {
    "allocation": "an allocation is NULL",
    "own allocation": "one of the product's own is, with sanitizers",
    "short": "a transfer is short",
    "error": "a system call fails",
    "kill": "SIGKILL",
}
ENDS = ("as without", "69", "70", "77", "78", "other", "killed", "known", "wrong")
Rows = dict[str, Counter[str]]


def end_of(fault: Fault, result: dict[str, Any]) -> str:
    """The column of an outcome."""
    if result["wrong"]:
        known = all(why_known(result, w) for w in result["wrong"])
        return "known" if known else "wrong"
    code = result["code"]
    if code == SCENARIOS[fault.scenario].code:
        return "as without"
    return "killed" if code < 0 else str(code) if str(code) in ENDS else "other"


def table(first: str, rows: Rows) -> str:
    """Rows of counts as Markdown."""
    columns = ("thinned", "run", "not reached", *ENDS)
    if first == "scenario":
        columns = ("found", *columns)
    lines = [f"| {first} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    total = sum(rows.values(), Counter[str]())
    for name, row in {**rows, "all": total}.items():
        lines.append(f"| {name} | {' | '.join(f'{row[c]:,}' for c in columns)} |")
    return "\n".join(lines)


def counted(
    found: dict[str, tuple[int, list[Fault]]], results: dict[str, dict[str, Any]]
) -> tuple[Rows, Rows, Rows]:
    """What was run and what came of it: by scenario, by kind and by half."""
    by: tuple[Rows, Rows, Rows] = ({}, {}, {})
    for name, (before, faults) in found.items():
        by[0].setdefault(name, Counter())["found"] = before
        for fault in faults:
            program = SCENARIOS[name].program
            keys = (name, KINDS[fault.kind], f"{program}, {NAMES[fault.half]}")
            what = ["thinned"]
            if fault.id in results:
                result = results[fault.id]
                what += ["run", end_of(fault, result)]
                what += [] if result["struck"] else ["not reached"]
            for rows, key in zip(by, keys):
                rows.setdefault(key, Counter()).update(what)
    return by


def write_section(
    found: dict[str, tuple[int, list[Fault]]],
    faults: list[Fault],
    results: dict[str, dict[str, Any]],
    of: str,
) -> None:
    """Write the section anew."""
    sites = {f.alike(SCENARIOS[f.scenario].program) for f in faults}
    struck = {f.alike(SCENARIOS[f.scenario].program) for f in faults if f.id in results}
    by = counted(found, results)
    known = Counter(
        k for r in results.values() for k in {why_known(r, w) for w in r["wrong"]} if k
    )
    text = [
        f"{len(results):,} of {len(faults):,} faults were run, {of}. Each is a run "
        "with one fault and a run without it afterwards.",
        "Of the same fault from the same stack (its innermost "
        f"{FRAMES} frames; 8 of an allocation) a scenario has the first one alone. "
        f"There are {len(sites):,} such faults in either program, whatever the "
        f"scenario; {len(struck):,} of them were run.",
        table("scenario", by[0]),
        table("fault", by[1]),
        table("process", by[2]),
        "`as without`: the exit code is the one of a run without a fault. "
        "`not reached`: the run, whose ways depend on time a little, ended before. "
        "`killed`: by this SIGKILL. `known`: is in this list; `wrong`: is not.",
        "\n".join(f"- {k.name}, {known[k]} times: {k.reason}" for k in KNOWN),
    ]
    put_section("Torture", "make torture", "\n\n".join(text))
