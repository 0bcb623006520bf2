# SPDX-License-Identifier: Apache-2.0
"""The results as docs/faults.md and as a section of docs/testing.md."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cells import COUNTS, FAULTS, REQUESTS, Cell
from rules import expected

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from testing_page import commit, put_section  # noqa: E402

PAGE = ROOT / "docs/faults.md"
BEGIN, END = "<!-- written by make faults -->", "<!-- end -->"
__all__ = ["commit", "write"]
GROUPS = (
    ("The agent asks IMDS", REQUESTS[:6]),
    ("The agent asks STS and SQS", REQUESTS[6:10]),
    ("The agent asks SSM and KMS", REQUESTS[10:13]),
    ("The producer (`--once`) asks SQS", REQUESTS[13:]),
)
Results = dict[str, dict[str, Any]]


def outcome(cell: Cell, results: Results) -> str:
    """What came of one cell, in a few letters."""
    result = results.get(cell.key)
    if result is None:
        return "not run"
    want = expected(cell)
    text = "served" if result["code"] == 0 else str(result["code"])
    if want.mixed:
        text += " mixed"
    if want.lasts:
        text += " late"
    if cell.fault.done and not want.served:
        text += {"DeleteMessageBatch": " gone", "SendMessageBatch": " sent"}.get(
            cell.column.name, ""
        )
    return text + (" DIFFERS" if result["wrong"] else "")


def entry(cells: list[Cell], results: Results) -> str:
    """One cell of the table: alike counts together."""
    if not cells:
        return "-"
    texts = [outcome(cell, results) for cell in cells]
    names = ["1" if c == 1 else "2" if c == 2 else "ever" for c in COUNTS]
    if len(set(texts)) == 1:
        return texts[0]
    if texts[0] == texts[1]:
        return f"1, 2: {texts[0]}; ever: {texts[2]}"
    if texts[1] == texts[2]:
        return f"1: {texts[0]}; 2, ever: {texts[1]}"
    return "; ".join(f"{n}: {t}" for n, t in zip(names, texts))


def tables(results: Results) -> str:
    """The matrix, a table for each of GROUPS; rows that are alike are one."""
    lines: list[str] = []
    for title, requests in GROUPS:
        names = [r.name.replace(", producer", "") for r in requests]
        lines += [f"### {title}", "", f"| fault | {' | '.join(names)} |"]
        lines += ["|---" * (len(names) + 1) + "|"]
        alike: dict[tuple[str, ...], list[str]] = {}
        for row in FAULTS:
            found = []
            for request in requests:
                cells = [Cell(row, request, n) for n in COUNTS]
                found.append(entry([c for c in cells if c.exists()], results))
            if set(found) != {"-"}:
                alike.setdefault(tuple(found), []).append(row)
        for outcomes, rows in alike.items():
            lines.append(f"| {'<br>'.join(rows)} | {' | '.join(outcomes)} |")
        lines.append("")
    return "\n".join(lines)


def put_tables(text: str) -> None:
    """Replace what stands between the two marks."""
    head, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert end, f"{PAGE} lacks {BEGIN} or {END}"
    PAGE.write_text(f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}")


def summary(cells: list[Cell], results: Results, state: str, seed: int) -> str:
    """The section of docs/testing.md."""
    ran = [results[c.key] for c in cells if c.key in results]
    wrong = [r for r in ran if r["wrong"]]
    codes = Counter(r["code"] for r in ran if "code" in r)
    told = ", ".join(f"{n} with {code}" for code, n in sorted(codes.items()))
    requests = sum(r.get("asked", 0) for r in ran)
    return (
        f"`make faults` at commit `{state}`: {len(FAULTS)} faults of {len(REQUESTS)} "
        "requests, each once,\n"
        f"twice and for ever, are {len(cells)} cells; {len(ran)} ran, "
        f"{len(wrong)} of them differ from their rule.\n"
        f"The runs ended {told};\n"
        f"the faulty requests came {requests} times, connections that were refused "
        "among them.\n"
        f"`make check-faults` runs the same 60 of them (seed {seed}).\n"
        "[faults](faults.md) has every outcome.\n"
    )


def write(cells: list[Cell], results: Results, state: str, seed: int) -> None:
    """Write both pages."""
    put_tables(tables(results))
    put_section("Faults", "make faults", summary(cells, results, state, seed))
