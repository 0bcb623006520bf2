# SPDX-License-Identifier: Apache-2.0
"""What moves while a producer runs: it goes on by itself, or ends and says so.

Every row has a world of its own (aid/moving.py). A row that ended with 69 is started
again, as a service manager would, and has to work then.
"""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid import certificates, moving
from aid.halves import IS_ROOT, OTHER, halves, has_landlock
from aid.layers import WITHOUT
from aid.manager import Manager
from aid.moving import HOST, NEW, OLD, File, Generator, Sqs, keys
from aid.nameserver import NameServer
from aid.programs import AGENT, LOOK, PRODUCER, Runner
from aid.users import HAS_USERS, PRODUCER_OFFLINE, PRODUCER_ONLINE
from aid.wait import wait_until

pytestmark = pytest.mark.skipif(
    not IS_ROOT or not HAS_USERS or WITHOUT or not has_landlock(),
    reason="not root, no users of the halves, no Landlock here, or a layer taken away",
)

AT_ONCE = 60  # producers
# What a failed try says.
FAILED = {
    "resolv": r"no address found",
    "credentials": r"UnrecognizedClientException|no AWS credentials",
    "bundle": r"cannot verify its certificate|cannot read the CA bundle",
    "endpoint": r"cannot connect",
    "token": r"ExpiredTokenException|AWS_WEB_IDENTITY_TOKEN_FILE",
    "device": r"has ended|is not there|only at the start",
}
MOVES = {
    "renamed over": moving.rename_over,
    "installed": moving.install,
    "rewritten": moving.rewrite,
    "turned": moving.turn,
    "gone and back": moving.rewrite,
    "late": moving.rewrite,
}
WHO = ("root", "user", "service")
LAYERS = ("Landlock", "none")
SAYS = re.compile(r"start(ed)? (again|anew|this program anew)|is not there: set device")


@dataclass
class Row:
    """A producer, what moves in its world, how, and what came of it."""

    what: str
    how: str
    who: str
    layer: str
    root: Path
    process: subprocess.Popen[bytes] | None = None
    thing: File | Generator | None = None
    took: float = 0.0
    ended: list[int] = field(default_factory=list)  # codes
    wrong: BaseException | None = None

    @property
    def name(self) -> str:
        """The name of its queue."""
        return "-".join(self.tell()).replace(" ", "")

    def tell(self) -> tuple[str, str, str, str]:
        """Which row it is."""
        return self.what, self.how, self.who, self.layer

    def may_end(self) -> bool | None:
        """Whether it has to end; None where that depends on the moment."""
        shut = self.layer == "Landlock"
        if self.what == "resolv":
            return False
        if self.what in ("bundle", "token"):
            return shut and self.how == "turned"
        if self.what == "endpoint" and self.who == "root":
            return True
        if self.what == "endpoint":
            return shut and self.how == "turned"
        if self.what == "credentials":
            # Root's file is read before the rights are given up.
            return self.who == "root" or (shut and self.how in ("turned", "late"))
        if self.how == "late":
            return True
        if self.who == "root":
            # Nobody but root may open it again.
            return None if self.how == "rewritten" else True
        # A service does not wait for a device that may have other numbers.
        return self.who == "service" and self.how == "gone and back"


@dataclass
class World:
    """What all rows share."""

    run: Runner
    sqs: Sqs
    manager: Manager
    resolvers: tuple[str, str]  # one that answers not, one that does
    bundles: tuple[str, str]  # of somebody else, and of the stand-in
    devices: Path

    def owners(self, row: Row) -> tuple[int, int]:
        """Whose the AWS files are, and whose the device."""
        if row.who == "service":
            names = PRODUCER_ONLINE, PRODUCER_OFFLINE
            return tuple(pwd.getpwnam(n).pw_uid for n in names)  # type: ignore[return-value]
        return (OTHER, OTHER) if row.who == "user" else (0, 0)

    def things(self, row: Row) -> dict[str, File | Generator]:
        """All that a producer needs."""
        root, (online, offline) = row.root, self.owners(row)
        return {
            "resolv": File(root / "run/net/resolv.conf", *self.resolvers, 0),
            "bundle": File(root / "ca/bundle.pem", *self.bundles, 0),
            "credentials": File(
                root / "home/.aws/credentials", keys(OLD), keys(NEW), online, 0o600
            ),
            "token": File(root / "token/token", OLD, NEW, online, 0o644),
            "endpoint": File(root / "config/aws", *self.endpoints(), online, 0o600),
            "device": Generator(self.devices / row.name / "dev/generator", offline),
        }

    def endpoints(self) -> tuple[str, str]:
        """Configuration files of AWS: nobody listens, and the stand-in."""
        ports = 1, self.sqs.port
        return tuple(f"[default]\nendpoint_url = https://{HOST}:{p}\n" for p in ports)  # type: ignore[return-value]

    def make(self, row: Row) -> None:
        """Make the world of a row, of which one thing is not as it should be."""
        root, things = row.root, self.things(row)
        root.mkdir()
        moving.settle(root)
        for name in ("home", "ca", "config", "token", self.devices / row.name / "dev"):
            (root / name).mkdir(parents=True)
        os.chown(root / "home", *[self.owners(row)[0]] * 2)
        (root / "home").chmod(0o700)
        (root / "etc/resolv.conf").symlink_to("/run/net/resolv.conf")
        row.thing = things.pop(row.what)
        # Where nothing says another, the queue's URL has the endpoint.
        things.pop("endpoint", None)
        if row.what == "token":
            things.pop("credentials")
        port = 1 if row.what == "endpoint" else self.sqs.port
        for thing in things.values():
            thing.put(good=True)
            if isinstance(thing, Generator):
                thing.put(good=True)  # bytes for a start more
        if row.how != "late":
            row.thing.put(good=False)
        if row.how == "turned":
            moving.make_link(row.thing)
        values = {
            "queue": f"https://{HOST}:{port}/123456789012/{row.name}",
            "device": str(self.devices / row.name / "dev/generator"),
            "ca-bundle": str(root / "ca/bundle.pem"),
        }
        text = "".join(f'{k} = "{v}"\n' for k, v in values.items())
        numbers = "interval = 1\nlow-watermark = 100\nburst = 1\n"
        (root / "producer.conf").write_text(text + numbers)

    def enter(
        self, layer: str, program: list[str], env: dict[str, str], **values: Any
    ) -> subprocess.Popen[bytes]:
        """Start a program in the /etc and /run of a world, as its words say."""
        command = ["-m", "sh", "-c", moving.ENTER, "sh", *values.pop("before", ())]
        if layer == "none":
            command += [str(self.run.build / "tests/programs/without"), "landlock"]
        command += [str(self.run.build / program[0]), *program[1:]]
        unshare = shutil.which("unshare")
        assert unshare is not None
        return self.run.start(unshare, *command, env=env, **values)

    def start(self, row: Row) -> None:
        """Start the producer of a row."""
        env = {"PATH": os.environ["PATH"], "ROOT": str(row.root)}
        env |= {"HOME": str(row.root / "home"), "AWS_REGION": "eu-west-1"}
        env |= {"AWS_CONFIG_FILE": str(row.root / "config/aws")}
        env |= {"AWS_EC2_METADATA_DISABLED": "true"}
        if row.what == "token":
            env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(row.root / "token/token")
            env["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/entropy"
            env["AWS_ENDPOINT_URL_STS"] = f"https://{HOST}:{self.sqs.port}"
        if row.who == "service":
            env["NOTIFY_SOCKET"] = str(self.manager.path)
        ids = f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"
        before = ("setpriv", *ids) if row.who == "user" else ()
        # Without -v a failure that goes on is told once.
        program = [PRODUCER, "-v", "-c", str(row.root / "producer.conf")]
        with (row.root / "log").open("ab") as log:
            row.process = self.enter(row.layer, program, env, stderr=log, before=before)

    def has_ended(self, row: Row) -> bool:
        """Whether the producer has ended; it then has to have said why."""
        assert row.process is not None
        code = row.process.poll()
        if code is None:
            return False
        said = (row.root / "log").read_text(errors="replace")
        assert code == 69, (row.tell(), code, said)
        assert SAYS.search("".join(said.splitlines(keepends=True)[-2:])), said
        return True

    def failures(self, row: Row) -> int:
        """How many tries have failed."""
        said = (row.root / "log").read_text(errors="replace")
        return len(re.findall(FAILED[row.what], said))

    def wait(self, row: Row, until: Callable[[], bool]) -> None:
        """Wait for what must come, or the end of the producer."""
        wait_until(lambda: self.has_ended(row) or until())

    def works(self, row: Row, since: float) -> bool:
        """Whether it did what it is for."""
        wanted = "SendMessageBatch" if row.what == "device" else "GetQueueAttributes"
        done = list(self.sqs.good.get(row.name, ()))
        return any(when > since and what == wanted for when, what in done)

    def fail(self, row: Row) -> None:
        """Wait until the thing has been of no use, once."""
        if isinstance(row.thing, Generator) and row.how != "late":
            self.wait(row, lambda: self.works(row, 0))
            row.thing.stop()
            if row.how != "gone and back":
                return  # It waits for a writer, or for another of that name.
            row.thing.path.unlink()
            # That it has ended, and that it is not there.
            self.wait(row, lambda: self.failures(row) > 1)
            return
        self.wait(row, lambda: self.failures(row) > 0)
        if row.how == "gone and back":
            assert row.thing is not None
            before = self.failures(row)
            row.thing.path.unlink()
            self.wait(row, lambda: self.failures(row) > before)

    def play(self, row: Row) -> None:
        """Let a row happen."""
        self.make(row)
        self.start(row)
        self.fail(row)
        MOVES[row.how](row.thing)
        moved = time.monotonic()
        self.wait(row, lambda: self.works(row, moved))
        assert row.process is not None
        while row.process.poll() is not None:
            # As systemd does, which waits for RestartSec= first.
            row.ended.append(row.process.wait())
            assert len(row.ended) == 1, (row.root / "log").read_text()
            self.start(row)
            self.wait(row, lambda: self.works(row, moved))
        row.took = time.monotonic() - moved
        row.process.terminate()
        assert row.process.wait() == 0, (row.root / "log").read_text()

    def try_to_play(self, row: Row) -> None:
        """In a thread, whose failures nobody would see."""
        try:
            self.play(row)
        except BaseException as wrong:
            row.wrong = wrong
        finally:
            if isinstance(row.thing, Generator):
                row.thing.stop()


@pytest.fixture
def world(run: Runner, tmp_path: Path) -> Iterator[World]:
    """Give what all rows share."""
    number = os.getpid()
    names, nobody = (f"127.{n}.{number >> 8 & 255}.{number & 255}" for n in (81, 82))
    (tmp_path / "own").mkdir()
    (tmp_path / "else").mkdir()
    own = certificates.make(tmp_path / "own", names=(HOST,))
    other = certificates.make(tmp_path / "else", names=(HOST,))
    with (
        Sqs(tls=own.tls) as sqs,
        NameServer(names, {HOST: "127.0.0.1"}),
        Manager(tmp_path / "notify") as manager,
        tempfile.TemporaryDirectory(dir="/dev/shm") as devices,
    ):
        Path(devices).chmod(0o755)
        resolvers = [f"nameserver {n}\noptions timeout:2\n" for n in (nobody, names)]
        bundles = [Path(c.path).read_text() for c in (other, own)]
        yield World(run, sqs, manager, tuple(resolvers), tuple(bundles), Path(devices))
        assert not sqs.errors


def test_what_moves_is_found_again_or_ends_the_producer(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        kinds = itertools.product(FAILED, MOVES, WHO, LAYERS)
        rows = [Row(*kind, Path(name, str(i))) for i, kind in enumerate(kinds)]
        work = [threading.Thread(target=world.try_to_play, args=(r,)) for r in rows]
        for at in range(0, len(work), AT_ONCE):
            for thread in work[at : at + AT_ONCE]:
                thread.start()
            for thread in work[at : at + AT_ONCE]:
                thread.join()
    with capsys.disabled():
        print()
        for row in rows:
            end = "ended, started again" if row.ended else "went on"
            print(*(f"{word:14}" for word in row.tell()), f"{row.took:5.1f} s", end)
    assert [(r.tell(), r.wrong) for r in rows if r.wrong] == []
    odd = [r.tell() for r in rows if r.may_end() not in (None, bool(r.ended))]
    assert odd == []


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("place", ["netconfig", "NetworkManager", "connman/x", ""])
def test_an_agent_waits_for_its_name_servers(
    world: World, place: str, layer: str
) -> None:
    """At boot a network's manager makes the file, and its folder, later."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        root = Path(name)
        moving.settle(root)
        file = root / "run" / place / "resolv.conf"
        (root / "etc/resolv.conf").symlink_to(Path("/run", place, "resolv.conf"))
        (root / "ca.pem").write_text(world.bundles[1])
        (root / "ca.pem").chmod(0o644)
        url = f"https://{HOST}:{world.sqs.port}/123456789012/agent"
        values = {"ROOT": name, "AWS_CA_BUNDLE": str(root / "ca.pem")}
        values |= {"AWS_ACCESS_KEY_ID": NEW, "AWS_SECRET_ACCESS_KEY": moving.SECRET}
        env = {**world.run.env, **values, "AWS_REGION": "eu-west-1"}
        del env["AWS_ENDPOINT_URL_SQS"]
        process = world.enter(
            layer, [AGENT, "-c", str(LOOK), "-q", url, "-t", "60"], env
        )
        comm = Path(f"/proc/{process.pid}/comm")
        wait_until(lambda: comm.read_text().startswith(AGENT[:15]))
        halves(process)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(world.resolvers[1])
        for path in (file, *file.parents[: len(Path(place).parts)]):
            path.chmod(0o755)
        got = world.run.finish(process)
        assert got.code == 75, got.err
