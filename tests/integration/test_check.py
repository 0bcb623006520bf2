# SPDX-License-Identifier: Apache-2.0
"""--check opens the keys of a configuration as the program itself would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aid.maker import Trust, make_key
from aid.programs import AGENT, PRODUCER, Runner


def test_check_opens_the_agents_keys(
    run: Runner, tmp_path: Path, conf: Callable[..., Path], trust: Trust
) -> None:
    line = make_key(run, tmp_path / "sign.key")
    make_key(run, tmp_path / "seal.key", "--seal")
    trust.add("pi", line)
    good = {
        "trusted_producers": str(trust.folder),
        "seal_key": str(tmp_path / "seal.key"),
    }
    got = run(AGENT, "--check", "-c", conf(**good))
    assert (got.code, got.out.endswith(b": valid\n")) == (0, True), got.err
    for values in (
        {"seal_key": str(tmp_path / "sign.key")},
        {"seal_key": str(tmp_path / "not-there")},
        {"trusted_producers": str(tmp_path / "sign.key")},
    ):
        got = run(AGENT, "--check", "-c", conf(**{**good, **values}))
        assert (got.code, got.out) == (78, b""), got.err
        assert next(iter(values.values())) in got.err
    (tmp_path / "seal.key").chmod(0o644)
    assert run(AGENT, "--check", "-c", conf(**good)).code == 78
    (tmp_path / "seal.key").chmod(0o600)
    trust.add("bad", line[:-5] + "\n")
    got = run(AGENT, "--check", "-c", conf(**good))
    assert got.code == 78
    assert "bad.pub:1" in got.err
    assert list(Path(run.env["STATE_DIRECTORY"]).iterdir()) == []


def test_check_opens_the_producers_keys(
    run: Runner, tmp_path: Path, conf: Callable[..., Path]
) -> None:
    line = make_key(run, tmp_path / "sign.key")
    fleet = tmp_path / "fleet.pub"
    fleet.write_text(make_key(run, tmp_path / "seal.key", "--seal"))
    good = {
        "queue": "entropy",
        "signing_key": str(tmp_path / "sign.key"),
        "seal_to": str(fleet),
    }
    got = run(PRODUCER, "--check", "-c", conf(**good))
    assert (got.code, got.out.endswith(b": valid\n")) == (0, True), got.err
    for values in (
        {"signing_key": str(tmp_path / "not-there")},
        {"signing_key": str(fleet)},
        {"seal_to": str(tmp_path / "seal.key")},
        {"seal_to": "/"},
    ):
        got = run(PRODUCER, "--check", "-c", conf(**{**good, **values}))
        assert (got.code, got.out) == (78, b""), got.err
    fleet.write_text(line)
    assert run(PRODUCER, "--check", "-c", conf(**good)).code == 78
    # It leaves nothing, and needs no device.
    assert list(Path(run.env["STATE_DIRECTORY"]).iterdir()) == []
