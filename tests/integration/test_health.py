# SPDX-License-Identifier: Apache-2.0
"""The health tests against scipy: cutoffs, and alarms over many samples.

HEALTH_SAMPLES sets how many samples a source gives (`make check-health-long`:
10^9), HEALTH_SEED the generators; -s shows the figures.
"""

from __future__ import annotations

import math
import os
import secrets
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from scipy.special import bdtrc, pdtr, pdtrc

SAMPLES = int(os.environ.get("HEALTH_SAMPLES", "50000000"))
SEED = os.environ.get("HEALTH_SEED", "20261122")
FEWER = SAMPLES // 5  # of sources that are not good
WINDOW = 512  # PREDICTOR_WINDOW
LAGS = 1024
BLOCKS = 64  # COPY_WINDOW
FIVE_SIGMA = 2.9e-7  # what lies beyond, on one side

# Decimal, as a configuration file has them.
BITS = [
    *("0.01", "0.02", "0.03", "0.05", "0.058", "0.059", "0.1", "0.15", "0.2"),
    *("0.25", "0.3", "0.33", "0.4", "0.5", "0.6", "0.7", "0.75", "0.8", "0.9"),
    *("1", "1.1", "1.25", "1.5", "1.7", "2", "2.3", "2.5", "2.75", "3", "3.3"),
    *("3.5", "4", "4.4", "4.5", "5", "5.5", "6", "6.1", "6.5", "7", "7.2"),
    *("7.5", "7.75", "7.9", "7.99", "8"),
]
ALPHAS = [20, 24, 30, 33, 40]
WINDOWS = [64, 512, 1024]

# H, then the cutoffs of SP 800-90B (corrected form) for alpha 2^-20, 2^-30, 2^-40.
TABLE = [
    ("1", (21, 31, 41), (311, 325, 337)),
    ("4", (6, 9, 11), (63, 71, 79)),
    ("6", (5, 6, 8), (26, 32, 36)),
    ("7", (4, 6, 7), (18, 23, 27)),
    ("8", (4, 5, 6), (14, 17, 20)),
]


@pytest.fixture(scope="module")
def tool(build: Path) -> Path:
    """Give the path of the tool that runs the health tests."""
    path = build / "tests" / "programs" / "health"
    assert path.exists(), f"{path} is not there: run make tests first"
    return path


class Cutoffs(NamedTuple):
    """What the tool says of one point."""

    repetition: int
    proportion: int
    run: int
    hits: int


def cutoffs(tool: Path, points: list[tuple[str, int, int]]) -> list[Cutoffs]:
    """Ask for the cutoffs of (bits, alpha, window)."""
    lines = "".join(f"{b} {a} {w}\n" for b, a, w in points)
    done = subprocess.run(
        [tool, "cutoffs"], input=lines, text=True, capture_output=True, check=True
    )
    found = [Cutoffs(*map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(found) == len(points)
    return found


def quantile(bits: str, alpha: int, trials: int) -> int:
    """Give the smallest q with P(X > q) <= 2^-alpha.

    By search in the upper tail: inverse functions round near 1 - 2^-40.
    """
    p = 2.0 ** -float(bits)
    low, high = -1, trials  # sf(low) > alpha >= sf(high)
    while high - low > 1:
        middle = (low + high) // 2
        if bdtrc(middle, trials, p) <= 2.0**-alpha:
            high = middle
        else:
            low = middle
    return high


def test_cutoffs_are_those_of_the_table(tool: Path) -> None:
    points = [(bits, alpha, WINDOW) for bits, *_ in TABLE for alpha in (20, 30, 40)]
    expected = [pair for _, *both in TABLE for pair in zip(*both)]
    assert [found[:2] for found in cutoffs(tool, points)] == expected


def test_cutoffs_are_those_of_scipy(tool: Path) -> None:
    points = [(b, a, w) for b in BITS for a in ALPHAS for w in WINDOWS]
    assert len(points) >= 400
    wrong = []
    for (bits, alpha, window), found in zip(points, cutoffs(tool, points)):
        run = math.ceil(Fraction(alpha) / Fraction(bits))
        expected = Cutoffs(
            repetition=1 + run,
            proportion=min(window, 2 + quantile(bits, alpha, window - 1)),
            run=run,
            hits=1 + quantile(bits, alpha, window),
        )
        if found != expected:
            wrong.append((bits, alpha, window, found, expected))
    assert not wrong


def test_a_tail_of_exactly_alpha_is_small_enough(tool: Path) -> None:
    """P(all of n) is 2^-n here: q must be n - 1, whichever way a tail rounds."""
    points = [("1", n, n + 1) for n in range(16, 49)]
    found = [c.proportion for c in cutoffs(tool, points)]
    assert found == [n + 1 for n in range(16, 49)]


def test_the_window_is_the_highest_cutoff(tool: Path) -> None:
    """Below alpha / (W - 1) bits alpha cannot be had with a cutoff that can fail."""
    below, above = cutoffs(tool, [("0.058", 30, WINDOW), ("0.0588", 30, WINDOW)])
    assert below.proportion == WINDOW
    assert bdtrc(WINDOW - 2, WINDOW - 1, 2**-0.058) > 2.0**-30
    assert above.proportion == WINDOW
    assert bdtrc(WINDOW - 2, WINDOW - 1, 2**-0.0588) <= 2.0**-30


class Source(NamedTuple):
    """Independent samples: (probability, how many values have it)."""

    name: str
    values: list[tuple[float, int]]

    def repetition_rate(self, cutoff: int) -> float:
        """Alarms a sample, exact: the test starts anew after each."""
        return sum(n * (1 - p) * p**cutoff / (1 - p**cutoff) for p, n in self.values)

    def proportion_rate(self, cutoff: int) -> float:
        """Alarms a sample; the part of a window that an alarm saves is left out."""
        per_window = sum(
            n * p * bdtrc(cutoff - 2, WINDOW - 1, p) for p, n in self.values
        )
        return per_window / WINDOW


def uniform(name: str, values: int = 256) -> Source:
    return Source(name, [(1 / values, values)])


def biased(bits: float) -> Source:
    p = 2.0**-bits
    return Source(f"biased:{bits:g}", [(p, 1), ((1 - p) / 255, 255)])


class Alarms(NamedTuple):
    """What the tool says of one detector."""

    detector: str
    samples: int
    runs: int
    hits: int
    speed: float

    @property
    def bits(self) -> str:
        """The claim that it tests for, as it was given."""
        return self.detector.split(":")[1]

    @property
    def alpha(self) -> int:
        """The negative binary logarithm of its false alarm probability."""
        return int(self.detector.split(":")[2])


def measured(output: str | bytes) -> list[Alarms]:
    text = output if isinstance(output, str) else output.decode()
    rows = [line.split() for line in text.splitlines()]
    return [Alarms(row[0], *map(int, row[1:4]), float(row[4])) for row in rows]


def run(tool: Path, source: Source, samples: int, *detectors: str) -> list[Alarms]:
    done = subprocess.run(
        [tool, source.name, str(samples), SEED, *detectors],
        capture_output=True,
        check=True,
    )
    found = measured(done.stdout)
    assert [alarms.samples for alarms in found] == [samples] * len(detectors)
    return found


def judge(name: str, alarms: Alarms, count: int, rate: float) -> None:
    """Hold a count against the Poisson distribution of its expectation."""
    mean = alarms.samples * rate
    said = f"{name} of {alarms.detector}: {count} alarms, {mean:.4f} expected"
    if mean >= 10:
        said += f" ({(count - mean) / math.sqrt(mean):+.1f} sigma)"
    print(" ", said)
    assert count == 0 or pdtrc(count - 1, mean) > FIVE_SIGMA, f"too many: {said}"
    assert pdtr(count, mean) > FIVE_SIGMA, f"too few: {said}"


def standard_cutoffs(tool: Path, alarms: Alarms) -> Cutoffs:
    return cutoffs(tool, [(alarms.bits, alarms.alpha, WINDOW)])[0]


def compare(tool: Path, source: Source, found: list[Alarms]) -> None:
    print(f"\n{source.name}, {found[0].samples} samples")
    for alarms in found:
        test = alarms.detector.partition(":")[0]
        limits = standard_cutoffs(tool, alarms)
        if test == "apt":
            assert alarms.runs == 0
        else:
            rate = source.repetition_rate(limits.repetition)
            judge("rct", alarms, alarms.runs, rate)
        if test == "rct":
            assert alarms.hits == 0
        else:
            rate = source.proportion_rate(limits.proportion)
            judge("apt", alarms, alarms.hits, rate)


def check_alpha(tool: Path, source: Source, found: list[Alarms]) -> None:
    """No test alarms more often than it was asked to, by theory."""
    for alarms in found:
        test = alarms.detector.partition(":")[0]
        limits = standard_cutoffs(tool, alarms)
        limit = 2.0**-alarms.alpha
        if test != "apt":
            assert source.repetition_rate(limits.repetition) <= limit
        if test != "rct":
            assert source.proportion_rate(limits.proportion) * WINDOW <= limit


GOOD = ["both:8:30", "both:7.5:20", "both:4:20", "both:1:20"]
COUNTED = ["rct:8:20", "apt:8:20", "rct:8:16", "apt:8:12", "apt:8:8"]


def test_false_alarms_on_good_bytes_are_as_rare_as_theory_says(tool: Path) -> None:
    source = uniform("good")
    found = run(tool, source, SAMPLES, *GOOD, *COUNTED)
    compare(tool, source, found)
    check_alpha(tool, source, found)


def test_false_alarms_on_a_cipher_are_as_rare_as_theory_says(tool: Path) -> None:
    """The same of ChaCha20, as bytes of a pipe: the generator is not the judge."""
    key = SEED.encode().ljust(32, b"\0")[:32]
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor()
    zeros = bytes(1 << 20)
    process = subprocess.Popen(
        [tool, "-", str(SAMPLES), "0", "both:8:30", "rct:8:16", "apt:8:12"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    for start in range(0, SAMPLES, len(zeros)):
        process.stdin.write(stream.update(zeros[: SAMPLES - start]))
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    compare(tool, uniform("ChaCha20"), measured(out))


@pytest.mark.parametrize("bits", [1.0, 4.0])
def test_false_alarms_at_the_claimed_entropy_are_rare(tool: Path, bits: float) -> None:
    """The worst source that still holds H bits: here alpha is reached."""
    source = biased(bits)
    tests = ("both:{:g}:30", "rct:{:g}:20", "rct:{:g}:14", "apt:{:g}:8")
    found = run(tool, source, FEWER, *(test.format(bits) for test in tests))
    compare(tool, source, found)
    check_alpha(tool, source, found)


@pytest.mark.parametrize(("mask", "stuck"), [("01", 1), ("81", 2), ("3c", 4)])
def test_stuck_bits_are_found_as_rarely_as_theory_says(
    tool: Path, mask: str, stuck: int
) -> None:
    """One stuck bit of eight leaves 7 bits: at 8 claimed a matter of luck."""
    source = uniform(f"stuck:{mask}", 256 >> stuck)
    detectors = [f"both:{8 - stuck}:30", "rct:8:30"]
    if stuck < 4:  # from there on in each window, which then ends early
        detectors.append("apt:8:30")
    compare(tool, source, run(tool, source, FEWER, *detectors))


# ---- the predictors

SHARES = {"lag": 1, "step": 2, "copy": 2}  # of alpha: HEALTH_..._LOG2


class Prediction(NamedTuple):
    """A source that a predictor foretells as often as H allows: the worst case."""

    source: str
    detector: str
    bits: str
    width: int = 1  # bytes that are foretold at once
    chains: int = 1  # predictors that are right so often

    @property
    def test(self) -> str:
        """Which of the three."""
        return self.detector.rstrip("0123456789")

    @property
    def hit(self) -> float:
        """How probable it is that one is right."""
        return 2.0 ** -(float(self.bits) * self.width)

    def point(self, alpha: int, runs: bool) -> tuple[str, int, int]:
        """Bits, alpha and trials of one predictor, from the headers' text."""
        share, trials = {
            "lag": (11, WINDOW),
            "step": (5 if runs else 8, -(-WINDOW // self.width)),
            "copy": (1, BLOCKS),
        }[self.test]
        return str(Fraction(self.bits) * self.width), alpha + share, trials

    def mean(self, alpha: int, samples: int, runs: bool) -> float:
        """How many alarms theory gives, which costs the history of each."""
        bits, each, trials = self.point(alpha, runs)
        bits = str(float(Fraction(bits)))
        if runs:
            run = self.hit ** math.ceil(Fraction(each) / Fraction(bits))
            rate = (1 - self.hit) * run / (1 - run) / self.width
        else:
            least = quantile(bits, each, trials) + 1
            whole = WINDOW if self.test != "copy" else BLOCKS * self.width
            rate = bdtrc(least - 1, whole // self.width, self.hit) / whole
        rate *= self.chains
        lost = LAGS / 2 if self.chains > 1 else whole_words(self.width)
        return samples * rate / (1 + rate * lost)


def whole_words(width: int) -> int:
    """The samples after an alarm in which no word can be foretold."""
    return 64 + 2 * width


# H = 0.5, 1 and 4 exactly.  Of flat sources each lag is right so often; there is
# none for 0.5.
PREDICTIONS = [
    *(Prediction(f"lag:{h}:7", "lag", h) for h in ("0.5", "1", "4")),
    *(Prediction(f"lag:{h}:1024", "lag", h) for h in ("0.5", "1", "4")),
    *(Prediction(f"step:{h}:1", "step", h) for h in ("0.5", "1", "4")),
    *(Prediction(f"step:{h}:2", "step", h, 2) for h in ("0.5", "1")),
    *(Prediction(f"copy:{h}:4", "copy4", h, 4) for h in ("0.5", "1")),
    Prediction("copy:4:1", "copy1", "4"),
]
FLAT = [
    Prediction("flat:2", "lag", "1", chains=LAGS),
    Prediction("flat:16", "lag", "4", chains=LAGS),
]
LEAST = 30  # alarms that make half and twice a safe verdict


def judge_prediction(
    tool: Path, case: Prediction, alpha: int, samples: int, runs: bool
) -> None:
    """Hold alarms against theory: between half of it and twice."""
    detector = f"{case.detector}:{case.bits}:{alpha}" + ("" if runs else ":hits")
    source = Source(case.source, [])
    [alarms] = run(tool, source, samples, detector)
    count = alarms.runs if runs else alarms.hits
    mean = case.mean(alpha, samples, runs)
    said = f"{detector} of {case.source}, {samples}: {count}, {mean:.1f} expected"
    print(" ", said)
    if mean >= LEAST:
        assert mean / 2 <= count <= mean * 2, said
    else:
        judge(case.source, alarms, count, mean / samples)


def easier(case: Prediction, samples: int, runs: bool) -> int:
    """The largest alpha, from the share of 2^-12 on, that gives enough alarms."""
    alpha = 12 + SHARES[case.test]
    while alpha > 0 and case.mean(alpha, samples, runs) < LEAST:
        alpha -= 1
    return alpha


@pytest.mark.parametrize("runs", [True, False], ids=["runs", "hits"])
@pytest.mark.parametrize("case", PREDICTIONS, ids=lambda case: case.source)
def test_predictors_alarm_as_often_as_theory_says(
    tool: Path, case: Prediction, runs: bool
) -> None:
    """At 2^-12, or where that takes more samples than there are, as near to it."""
    judge_prediction(tool, case, easier(case, FEWER, runs), FEWER, runs)


@pytest.mark.parametrize("runs", [True, False], ids=["runs", "hits"])
@pytest.mark.parametrize("case", FLAT, ids=lambda case: case.source)
def test_all_lags_together_alarm_as_often_as_theory_says(
    tool: Path, case: Prediction, runs: bool
) -> None:
    samples = FEWER // (10 if case.source == "flat:2" else 2)
    judge_prediction(tool, case, easier(case, samples, runs), samples, runs)


def test_nothing_alarms_on_good_bytes(tool: Path) -> None:
    """At the alpha in force, and whatever is claimed but 8 bits.

    There the repetition count test alone has one alarm in 2^32 samples.
    """
    for alarms in run(tool, uniform("good"), SAMPLES, "all:0.5", "all:1", "all:7"):
        print(f"  {alarms.detector}: {alarms.speed} MB/s")
        assert alarms.runs == 0, alarms


def test_a_dead_source_raises_every_alarm(tool: Path) -> None:
    """Zeros: an alarm in each block, whose rest is not looked at."""
    done = subprocess.run(
        [tool, "-", "64000", "0", "both:8:30"],
        input=bytes(64000),
        capture_output=True,
        check=True,
    )
    (alarms,) = measured(done.stdout)
    assert (alarms.runs, alarms.hits) == (1000, 0)


def test_malformed_arguments_are_refused(tool: Path) -> None:
    noise = secrets.token_hex(4)
    for arguments in (
        [],
        ["good"],
        ["good", "1", "1"],
        ["good", "1", "1", noise],
        ["good", "1", "1", "none:1:30"],
        ["good", "1", "1", "lag:1:30:runs"],
        ["flat:257", "1", "1", "both:1:30"],
        ["lag:1:1025", "1", "1", "both:1:30"],
        ["step:1:3", "1", "1", "both:1:30"],
        [f"-{noise}", "1", "1", "both:1:30"],
    ):
        done = subprocess.run([tool, *arguments], capture_output=True)
        assert done.returncode == 1, arguments
