# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown, and the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- written by make bench -->", "<!-- end of what it wrote -->"
Cell = Callable[[dict[str, Any]], str]


def spread(name: str, unit: float = 1.0, digits: int = 1) -> Cell:
    """A column: the median and the quartiles."""

    def cell(row: dict[str, Any]) -> str:
        if name not in row:
            return "-"
        median, low, high = (value / unit for value in row[name])
        if f"{low:.{digits}f}" == f"{high:.{digits}f}":
            return f"{median:.{digits}f}"
        return f"{median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"

    return cell


def count(name: str, unit: float = 1.0) -> Cell:
    """A column: a number that was counted."""

    def cell(row: dict[str, Any]) -> str:
        value = row.get(name)
        if value is None:
            return "-"
        return f"{value / unit:,.1f}" if unit != 1.0 else f"{value:,}"

    return cell


MIB = 1024.0
TIMES: dict[str, Cell] = {
    "client": lambda row: row["client"],
    "wall, ms": spread("wall_ms"),
    "CPU, ms": spread("cpu_ms"),
    "page faults": spread("faults", digits=0),
    "largest process, MiB": spread("rss_kib", MIB),
    "all processes, peak RSS, MiB": spread("peak", MIB),
    "PSS, MiB": spread("pss", MIB),
}
COUNTS: dict[str, Cell] = {
    "client": lambda row: row["client"],
    "system calls": count("all_calls"),
    "without waits": count("calls"),
    "instructions, millions": count("instructions", 1e6),
    "requests": count("requests"),
    "connections": count("connections"),
    "bytes of HTTP": count("bytes"),
    "on the wire": count("wire"),
}
EACH: dict[str, Cell] = {
    "client": lambda row: row["client"],
    "wall, µs": spread("wall_us"),
    "CPU, µs": spread("cpu_us"),
}


def table(columns: dict[str, Cell], rows: list[dict[str, Any]]) -> list[str]:
    """A table of Markdown."""
    lines = [list(columns), ["---"] + ["---:"] * (len(columns) - 1)]
    lines += [[cell(row) for cell in columns.values()] for row in rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


# ---- targets

NAMES = {"http": "HTTP", "https": "TLS"}


@dataclass
class Target:
    """A ratio that is to be at most, or at least, so much."""

    text: str
    limit: float
    value: float | None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is."""
        assert self.value is not None
        if self.at_least:
            return self.value >= self.limit
        return self.value <= self.limit

    def cells(self) -> list[str]:
        """A row of the table."""
        bound = f"{'>=' if self.at_least else '<='} {self.limit:,g}"
        if self.value is None:
            return [self.text, bound, "-", "not measured here"]
        places = 0 if self.limit >= 1000 else 2 if self.limit >= 1 else 3
        value = f"{self.value:,.{places}f}"
        return [self.text, bound, value, "met" if self.met else "not met"]


CURL_FOLDER = "curl, hashed folder"
CURL_SYSTEM = "curl, as the system trusts"
AWS_BOTH = "aws receive, delete"


def _over(
    result: dict[str, Any], figure: str, service: str, other: str
) -> float | None:
    """The agent's figure over the other's, the median over the rounds."""
    return result["ratios"].get(f"{service}/{other}/{figure}")


def _under(result: dict[str, Any], figure: str, other: str) -> float | None:
    """The other's figure over the agent's, with TLS."""
    value = _over(result, figure, "https", other)
    return None if value is None else 1 / value


def targets(result: dict[str, Any]) -> list[Target]:
    """What the programs are to reach."""
    found = []
    for figure, name in ("wall_ms", "wall"), ("cpu_ms", "CPU"):
        for text, limit, service, other in (
            (f"HTTP, {name} over curl's", 1.15, "http", "curl"),
            (f"TLS, {name} over curl's, both by the folder", 1.1, "https", CURL_FOLDER),
            (f"TLS, {name} over curl's as the system", 0.37, "https", CURL_SYSTEM),
        ):
            value = _over(result, figure, service, other)
            found.append(Target(text, limit, value))
    for text, limit, figure, other in (
        ("times faster than the boto3 consumer", 25, "wall_ms", "boto3 consumer"),
        ("times smaller, PSS of all processes", 5, "pss", "boto3 consumer"),
        ("times smaller, largest process", 5, "rss_kib", "boto3 consumer"),
        ("times faster than aws receive, delete", 70, "wall_ms", AWS_BOTH),
    ):
        found.append(Target(text, limit, _under(result, figure, other), at_least=True))
    for service, rows in result["each"].items():
        article = rows[-1]["cpu_us"][0]
        for row in (r for r in rows if r["client"].startswith("producer")):
            name = f"{NAMES[service]}, {row['client']}"
            rate, less = 1e6 / row["wall_us"][0], article / row["cpu_us"][0]
            text = f"{name}: messages a second"
            found.append(Target(text, 10_000, rate, at_least=True))
            text = f"{name}: times less CPU a message than the article's"
            found.append(Target(text, 50, less, at_least=True))
    for service in "http", "https":
        value = result["slopes"].get(f"{service}/agent")
        limit = 4.2 if service == "https" else 3.15  # within 5 %
        found.append(Target(f"{NAMES[service]}, round trips", limit, value))
    return found


# ---- the page


def _slow(result: dict[str, Any]) -> list[str]:
    lines = []
    delays = result["delays_ms"]
    for service, rows in result["slow"].items():
        if not rows:
            continue
        columns: dict[str, Cell] = {"client": lambda row: row["client"]}
        for delay in delays:
            columns[f"{delay} ms"] = spread(f"at_{delay}")
        each, at = result["imds_ms"]
        columns[f"{at} ms, IMDS {each} ms"] = spread("slow_imds")
        columns["round trips"] = lambda row: f"{row['slope']:.2f}"
        title = f"### {NAMES[service]}, so many ms later in each direction: wall, ms"
        lines += ["", title, "", *table(columns, rows)]
    return lines


def block(result: dict[str, Any], chart: str) -> list[str]:
    """All that is generated of the page."""
    env = result["environment"]
    lines = [
        f"{result['date']}, {env['machine']}, {result['cores']} cores, Linux "
        f"{env['kernel']}, {env['libraries']}; medians of {result['rounds']} runs "
        "(quartiles).",
        "",
        f"![Wall time of each client, and over latency]({chart})",
        "",
        "### Targets",
        "",
        "| ratio in this run | target | measured | |",
        "|---|---:|---:|---|",
        *("| " + " | ".join(t.cells()) + " |" for t in targets(result)),
    ]
    for service, rows in result["consumers"].items():
        lines += ["", f"### {NAMES[service]}: a message is received and deleted", ""]
        lines += [*table(TIMES, rows), "", *table(COUNTS, rows)]
    for service, rows in result["producers"].items():
        title = f"### {NAMES[service]}: {result['burst']} messages are sent"
        lines += ["", title, "", *table(TIMES, rows), "", *table(COUNTS, rows)]
        lines += ["", "Each message more:", "", *table(EACH, result["each"][service])]
    lines += _slow(result)
    lines += ["", *(f"Left out: {reason}." for reason in result["left_out"].values())]
    return lines


def put_into(page: Path, lines: list[str]) -> None:
    """Replace what stands between the two marks."""
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench: {page} has no lines {BEGIN} and {END}")
    page.write_text(head + begin + "\n" + "\n".join(lines).rstrip() + "\n" + end + tail)
