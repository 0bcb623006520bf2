# SPDX-License-Identifier: Apache-2.0
"""--check refuses what a run refuses, by the same code and the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aid.attack import Attack
from aid.maker import make_key
from aid.programs import AGENT, PRODUCER, Result

BOTH = (AGENT, PRODUCER)


@dataclass
class Bad:
    """A configuration that nobody may take; {} is the folder of its files."""

    lines: str
    programs: tuple[str, ...] = BOTH
    files: dict[str, str] = field(default_factory=dict)  # KEY, SECRET, SEAL: keys
    env: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    mode: int = 0o600
    code: int = 78


NOWHERE = {"AWS_ENDPOINT_URL_SQS": "", "AWS_REGION": "eu-west-1"}
PROFILE = {"AWS_CONFIG_FILE": "{}/config"}
A, P = (AGENT,), (PRODUCER,)
FULL = "x" * 600
BAD = {
    # The file.
    "unknown key": Bad("quue = q"),
    "key twice": Bad("region = a\nregion = b"),
    "no value": Bad("region"),
    "variable in a value": Bad('region = "${HOME}"'),
    "no such file": Bad("", args=("-c", "{}/nothing")),
    "number out of range": Bad("interval = 0", P),
    "number too large": Bad("timeout = 301", A),
    "no choice": Bad("unsigned = maybe", A),
    "no switch": Bad("use-fips-endpoint = maybe"),
    "too long": Bad(f"endpoint-url = {FULL}"),
    # Settings that do not go together.
    "depth and burst": Bad("depth = 9\nburst = 3", P),
    "producers and burst": Bad("producers = 3\nburst = 3", P),
    "seal-to alone": Bad("seal-to = {}/fleet.pub", P, {"fleet.pub": "SEAL"}),
    "no room to seal": Bad(
        "signing-key = {0}/k\nseal-to = {0}/f\nmessage-bytes = 16384",
        P,
        {"k": "SECRET", "f": "SEAL"},
    ),
    "half of IoT": Bad("iot-endpoint = abc.credentials.iot.eu-west-1.amazonaws.com"),
    "credit for all": Bad("unsigned = credit", A, mode=0o666),
    # Places.
    "queue": Bad("queue = 'no queue'"),
    "queue twice": Bad("queue = {q, q}"),
    "ninth queue": Bad("queue = {a, b, c, d, e, f, g, h, i}"),
    "queue's URL": Bad("queue = https://host/q"),
    "queue's ARN": Bad("queue = arn:aws:sqs:eu-west-1:1:q"),
    "plain http": Bad("queue = http://host.example/1/q", env=NOWHERE),
    "port": Bad("queue = https://host.example:99999/1/q", env=NOWHERE),
    "endpoint": Bad("endpoint-url = ftp://host", env=NOWHERE),
    "endpoint of a variable": Bad("", env={"AWS_ENDPOINT_URL_SQS": "ftp://host"}),
    "endpoint and FIPS": Bad("use-fips-endpoint = true"),
    "region": Bad("region = 'Bad Region'"),
    "region of a variable": Bad("", env={"AWS_REGION": "Bad Region"}),
    "pseudo-region": Bad("region = fips-us-east-1"),
    "FIPS of a variable": Bad("", env={"AWS_USE_FIPS_ENDPOINT": "maybe"}),
    "IMDS of a variable": Bad("", env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": "ftp://x"}),
    "CA bundle": Bad("ca-bundle = {}/nothing"),
    "CA bundle of a variable": Bad("", env={"AWS_CA_BUNDLE": "{}/nothing"}),
    # Credentials.
    "half a key": Bad("", env={"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}),
    "container": Bad(
        "", env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x.example/"}
    ),
    "malformed profile": Bad("", files={"config": "[default\n"}, env=PROFILE),
    "empty process": Bad(
        "", files={"config": "[default]\ncredential_process ="}, env=PROFILE
    ),
    "sign-in": Bad("", files={"config": "[default]\nsso_account_id = 1"}, env=PROFILE),
    "role in a circle": Bad(
        "",
        files={"config": "[default]\nrole_arn = r\nsource_profile = x"},
        env=PROFILE,
    ),
    # Keys.
    "no seal-key": Bad("seal-key = {}/nothing", A),
    "seal-key for all": Bad("seal-key = {}/k", A, {"k": "SECRET"}, mode=0o640),
    "another kind": Bad("seal-key = {}/k", A, {"k": "SECRET"}),
    "trusted is a file": Bad("trusted-producers = {}/k", A, {"k": "KEY"}),
    "no signing-key": Bad("signing-key = {}/nothing", P),
    "signing-key for all": Bad("signing-key = {}/k", P, {"k": "SECRET"}, mode=0o644),
    "a public key": Bad("signing-key = {}/k", P, {"k": "KEY"}),
    "seal-to signs": Bad(
        "signing-key = {0}/k\nseal-to = {0}/f", P, {"k": "SECRET", "f": "KEY"}
    ),
    "seals without ARN": Bad(
        "queue = http://127.0.0.1:1/q/q\nsigning-key = {0}/k\nseal-to = {0}/f",
        P,
        {"k": "SECRET", "f": "SEAL"},
    ),
    # Sources.
    "kernel's generator": Bad("device = /dev/urandom", P),
    "source is a folder": Bad("device = {}", P),
    "empty name": Bad("device = '{0}/s,,{0}/s'", P, {"s": "x"}),
    "source twice": Bad("device = '{0}/s, {0}/../files/s'", P, {"s": "x"}),
    "ninth source": Bad(
        "device = '" + ",".join(f"{{0}}/s{n}" for n in range(9)) + "'",
        P,
        {f"s{n}": "x" for n in range(9)},
    ),
    # Options.
    "option out of range": Bad("", A, args=("-m", "11"), code=64),
    "argument": Bad("", args=("queue",), code=64),
    "stray option": Bad("", P, args=("--seal",), code=64),
}


def told(got: Result) -> tuple[int, str]:
    """The exit code and the last line."""
    return got.code, (got.lines() or [""])[-1]


@dataclass
class Trial:
    """Tries a configuration twice: --check, and a run."""

    attack: Attack
    program: str
    source: Path
    keys: dict[str, str]

    def lay_out(self, folder: Path, bad: Bad) -> None:
        """Write the files of a case."""
        folder.mkdir(0o700, parents=True)
        lines = bad.lines.replace("{}", str(folder)).replace("{0}", str(folder))
        queue = "" if lines.startswith("queue") else "queue = q\n"
        texts = {**bad.files, "test.conf": f"{lines}\n{queue}"}
        for name, text in texts.items():
            (folder / name).write_text(self.keys.get(text, text) + "\n")
            (folder / name).chmod(bad.mode)

    def __call__(self, folder: Path, bad: Bad) -> list[tuple[int, str]]:
        """What both say."""
        self.lay_out(folder, bad)
        env = self.attack.env(**{n: v.format(folder) for n, v in bad.env.items()})
        args = ["-c", folder / "test.conf", *(a.format(folder) for a in bad.args)]
        once = ["-o", "-"]
        if self.program == PRODUCER:
            own = "device" in bad.lines
            once = ["--once"] if own else ["--once", "-d", str(self.source)]
        both = [["--check"], once]
        return [
            told(self.attack.program(self.program, *first, *args, env=env))
            for first in both
        ]


@pytest.mark.parametrize("program", BOTH)
def test_a_run_and_check_refuse_alike(
    attack: Attack, tmp_path: Path, source: Path, program: str
) -> None:
    keys = {"KEY": make_key(attack.run, tmp_path / "k").strip()}
    keys["SECRET"] = (tmp_path / "k").read_text().strip()
    keys["SEAL"] = make_key(attack.run, tmp_path / "s", "--seal").strip()
    trial = Trial(attack, program, source, keys)
    differ = {}
    for number, (name, bad) in enumerate(BAD.items()):
        if program not in bad.programs:
            continue
        check, run = trial(tmp_path / str(number) / "files", bad)
        if check != run or check[0] != bad.code or not check[1]:
            differ[name] = (check, run)
    assert differ == {}
