# SPDX-License-Identifier: Apache-2.0
"""The whole measurement: every client, plain and with TLS, with and without latency."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from functools import partial
from typing import Any

import baseline
import clients
import counts
import measure
from clients import Client, Place
from world import SERVER, Canned, World

DELAYS_MS = (0, 1, 5, 20, 80)  # in each direction
IMDS_MS, IMDS_AT_MS = 5, 20  # each answer of IMDS takes that, at that latency
BURST, BATCH = 1000, 10  # messages
COMPARED = ("wall_ms", "cpu_ms", "rss_kib", "pss")


def tell(text: str) -> None:
    """Say what is going on."""
    print(f"bench: {text}", file=sys.stderr)


def summed(sqs: Any, client: Client) -> dict[str, float]:
    """What the processes of a client hold together."""
    return counts.together(counts.memory(client, sqs))


def counted(place: Place, client: Client, left_out: dict[str, str]) -> dict[str, Any]:
    """What can be counted in a run of its own each."""
    world = place.world
    found = counts.traffic(client, place.imds, place.sqs, place.service)
    if "calls" not in left_out:
        found.update(counts.calls(client, world.folder, 1))
    if client.counted and "instructions" not in left_out:
        found["instructions"] = counts.whether(
            partial(counts.instructions, client, world, 1)
        )
    return found


def rows_of(
    place: Place, which: list[Client], rounds: int, result: dict[str, Any]
) -> list[dict[str, Any]]:
    """The rows of one table; the ratios of the first client to all others."""
    world = place.world
    times = measure.in_turn(which, rounds, partial(measure.timed, world.build))
    held = measure.in_turn(which, rounds, partial(summed, place.sqs))
    rows = []
    for runs, memory in zip(times, held):
        runs.taken.update(memory.taken)
        tell(f"{place.service}: counting {runs.client.name}")
        spreads = {name: list(runs.spread(name)) for name in runs.taken}
        found = counted(place, runs.client, result["left_out"])
        rows.append({"client": runs.client.name, **spreads, **found})
    first, *others = times
    for other in others:
        for figure in COMPARED:
            key = f"{place.service}/{other.client.name}/{figure}"
            result["ratios"][key] = measure.ratio(first, other, figure)
    return rows


def of_a_message(place: Place, rounds: int) -> list[dict[str, Any]]:
    """What each message more takes of its sender: a long burst, less one batch."""
    long, short = (
        [*clients.producers(place, count), *clients.more_producers(place, count)]
        for count in (BURST, BATCH)
    )
    run = partial(measure.timed, place.world.build)
    runs = measure.in_turn([*long, *short], rounds, run)
    rows = []
    for many, few in zip(runs, runs[len(long) :]):
        row: dict[str, Any] = {"client": many.client.name}
        more = many.client.messages - few.client.messages
        for figure in "wall", "cpu":
            pairs = zip(many.taken[f"{figure}_ms"], few.taken[f"{figure}_ms"])
            each = [(a - b) * 1000 / more for a, b in pairs]
            row[f"{figure}_us"] = list(measure.Spread.of(each))
        rows.append(row)
    return rows


# ---- latency


def slow_clients(place: Place) -> list[Client]:
    """Those whose round trips are counted."""
    best = clients.FOLDER if place.world.system_trust else clients.ALONE
    found = [clients.agent(place), clients.curl(place, best)]
    if place.service == "https":
        others = clients.consumers(place)
        found += [c for c in others if c.name.startswith(("boto3", "pollinate"))]
        found.append(clients.aws(place)[1])
    return found


def slope(delays_ms: list[int], wall_ms: list[float]) -> float:
    """Round trips by which the wall time grows: least squares."""
    trips = [2.0 * d for d in delays_ms]
    middle, mean = sum(trips) / len(trips), sum(wall_ms) / len(wall_ms)
    above = sum((t - middle) * (w - mean) for t, w in zip(trips, wall_ms))
    return above / sum((t - middle) ** 2 for t in trips)


def add_slow_imds(
    imds: Canned, which: list[Client], rounds: int, run: Any, row: dict[str, Any]
) -> None:
    """Measure the first two again while each answer of IMDS takes its time."""
    imds.tell(f"imds {IMDS_MS * 1000}")
    for runs in measure.in_turn(which[:2], rounds, run):
        row[runs.client.name]["slow_imds"] = list(runs.spread("wall_ms"))
    imds.tell("imds 0")


def one_delay(
    world: World, delay: int, rounds: int, rows: dict[str, dict[str, Any]]
) -> None:
    """Measure all with this latency between them and SQS, and none to IMDS."""
    with world.link(delay) as (near, far):
        imds, sqs = world.canned(namespace=near), world.canned(SERVER, far)
        try:
            for service in clients.SERVICES:
                place = Place(world, imds, sqs, service)
                run = partial(measure.timed, world.build, namespace=near)
                for runs in measure.in_turn(slow_clients(place), rounds, run):
                    name = runs.client.name
                    row = rows[service].setdefault(name, {"client": name})
                    row[f"at_{delay}"] = list(runs.spread("wall_ms"))
                if delay == IMDS_AT_MS:
                    which = slow_clients(place)
                    add_slow_imds(imds, which, rounds, run, rows[service])
        finally:
            imds.stop()
            sqs.stop()


def slow(world: World, rounds: int, result: dict[str, Any]) -> None:
    """Measure with latency, where there can be namespaces of network."""
    rows: dict[str, dict[str, Any]] = {service: {} for service in clients.SERVICES}
    try:
        for delay in DELAYS_MS:
            tell(f"{delay} ms in each direction")
            one_delay(world, delay, rounds, rows)
    except (OSError, measure.FailedError) as why:
        result["left_out"]["latency"] = f"no figures with latency: {why}"
        return
    for service in clients.SERVICES:
        for name, row in rows[service].items():
            walls = [row[f"at_{delay}"][0] for delay in DELAYS_MS]
            row["slope"] = slope(list(DELAYS_MS), walls)
            result["slopes"][f"{service}/{name}"] = row["slope"]
        result["slow"][service] = list(rows[service].values())


# ---- all of it


def measured(world: World, rounds: int) -> dict[str, Any]:
    """Everything, as results.json has it."""
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "environment": baseline.environment(world),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "burst": BURST,
        "delays_ms": list(DELAYS_MS),
        "imds_ms": [IMDS_MS, IMDS_AT_MS],
        "left_out": counts.reasons(world),
        "ratios": {},
        "slopes": {},
        "consumers": {},
        "producers": {},
        "each": {},
        "slow": {},
    }
    canned = world.canned()
    for service in clients.SERVICES:
        place = Place(world, canned, canned, service)
        for group, which in (
            ("consumers", clients.consumers(place)),
            ("producers", clients.producers(place, BURST)),
        ):
            tell(f"{service}: {group}, {rounds} rounds")
            result[group][service] = rows_of(place, which, rounds, result)
        tell(f"{service}: a message more, {rounds} rounds")
        result["each"][service] = of_a_message(place, rounds)
    slow(world, rounds, result)
    return result
