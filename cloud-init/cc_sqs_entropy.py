# SPDX-License-Identifier: Apache-2.0
"""cloud-init's module sqs_entropy: seed the kernel before the SSH host keys.

The directive of the same name becomes /etc/sqs-entropy/agent.conf and the keys
in trusted.d, then sqs-entropy-agent(8) runs once.  All of the directive is
validated before anything is written.  It imports nothing of cloud-init, whose
ways of calling a module changed in 23.2: 22.2 to 26.2 take this file as it is.

module_list.py lists it twice.  The entry with the word "early" comes first of all.
Where the directive names a file that is not there yet, it leaves all to the entry
with the word "late", after write_files and before the host keys.

How loud it is decides what "cloud-init status" says, because from 23.4 on every
WARNING makes it "degraded".  A mistake in the directive is a warning; a queue
that is empty, out of reach or denied is none; "required: true" raises both.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Optional

LOG = logging.getLogger(__name__)

KEY = "sqs_entropy"

# 23.2 and later skip the module without calling it when the key is absent.
meta = {
    "id": "cc_sqs_entropy",
    "distros": ["all"],
    "frequency": "once-per-instance",
    "activate_by_schema_keys": [KEY],
}

DIRECTORY = Path("/etc/sqs-entropy")
# For the copy that is checked: whatever kills us, it ends with this boot and gets
# into no image.
SCRATCH = Path("/run")
STATUS = Path("/proc/self/status")
DETECT_VIRT = "systemd-detect-virt"
# Where the packages and "make install" put it, with /usr/sbin merged into /usr/bin
# or not; cloud-init's own PATH may be short.
PROGRAM = "sqs-entropy-agent"
PROGRAM_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin"

# The first line tells cloud-init's file from an operator's; cloud-init/clean
# looks for it too.
MARK = "# Written by cloud-init (cc_sqs_entropy)."
HEADER = f"""{MARK}
# It is replaced when an instance starts with the directive "sqs_entropy".
# See sqs-entropy-agent.conf(5).
"""
SAVED = "agent.conf.before-cloud-init"
KEY_FILE = "cloud-init-{}.pub"
KEY_FILES = "cloud-init-*.pub"

TIMEOUT = 10  # seconds; what the agent takes without the key "timeout"
GRACE = 5  # seconds beyond its own deadline, after which it is killed
CHECK_TIMEOUT = 10
TAIL_BYTES = 4096
TAIL_LINES = 8

EXITS = {
    64: "wrong usage",
    65: "messages came and none was usable",
    69: "the network, the metadata service or SQS is unavailable",
    70: "internal error",
    75: "the queue is empty",
    77: "not permitted: no credentials, access denied, or no CAP_SYS_ADMIN",
    78: "wrong configuration, or no such queue",
}
CONFIGURATION = 78
# These do not pass by themselves.
MISTAKES = (64, CONFIGURATION)

EARLY, LATE = "early", "late"  # what module_list.py calls its entries
# Files that the same user-data may write, by write_files or a mount.
FILES = ("ca_bundle", "seal_key")
# Both entries are run by one process.  True: the early one left all to the late one.
left_to_late = False

CAP_SYS_ADMIN = 21


class DirectiveError(Exception):
    """The directive is wrong; nothing was written."""


class TooEarlyError(Exception):
    """Files of the directive are not there yet; nothing was written."""


class UnseededError(Exception):
    """The agent did not seed; args: what happened, whether somebody must act."""

    def __init__(self, text: str, mistake: bool = False) -> None:
        super().__init__(text)
        self.mistake = mistake


# Validation: a checker returns what is wrong with a value, or None.

Checker = Callable[[Any], Optional[str]]

# Control characters would end a line of the file; surrogates are no UTF-8.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
HOST = r"https?://[A-Za-z0-9._:\[\]-]+"
QUEUE_URL = HOST + r"(/[A-Za-z0-9._~%-]+){2,}"
QUEUE_NAME = r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo"
QUEUE_ARN = rf"arn:aws[a-z-]*:sqs:[a-z0-9-]{{1,63}}:[0-9]{{12}}:({QUEUE_NAME})"
TEXT_MAX = 511
PATH_LENGTH_MAX = 1023  # characters; four times as many bytes fit the agent
QUEUES_MAX = 8
KEYS_MAX = 32
KEY_KIND = "sqs-entropy-ed25519"
KEY_CHARS = 44  # of base64, for 32 bytes
COMMENT_MAX = 512


def shown(value: Any) -> str:
    """A value in a message: short, on one line, and never an exception."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # an int of over 4300 digits
        text = "a huge value"
    return text if len(text) <= 60 else text[:57] + "..."


def text_of(
    pattern: str, what: str, longest: int = TEXT_MAX, secret: bool = False
) -> Checker:
    """Make the checker of a string that is all of pattern.

    Of a key that may hold a secret by mistake the value is not shown.
    """

    def check(value: Any) -> str | None:
        it = "this" if secret else shown(value)
        if not isinstance(value, str):
            return f"{it} is not a string: {what}"
        if UNPRINTABLE.search(value):
            return f"{it} holds control characters: {what}"
        if len(value) > longest:
            return f"longer than {longest} characters: {what}"
        if not re.fullmatch(pattern, value):
            return f"{it} is not {what}"
        return None

    return check


def whole(low: int, high: int) -> Checker:
    """Make the checker of a whole number."""

    def check(value: Any) -> str | None:
        # True is an int in Python and no number in YAML.
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{shown(value)} is not a whole number from {low} to {high}"
        if not low <= value <= high:
            return f"{shown(value)} is not from {low} to {high}"
        return None

    return check


def bits(value: Any) -> str | None:
    """Check unsigned_bits_per_byte."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{shown(value)} is not a number from 0 to 8"
    # Not a number is not in the range either.
    return None if 0 <= value <= 8 else f"{shown(value)} is not from 0 to 8"


def choice(*names: str) -> Checker:
    """Make the checker of one word out of some."""

    def check(value: Any) -> str | None:
        if isinstance(value, str) and value in names:
            return None
        return f"{shown(value)} is not one of: {', '.join(names)}"

    return check


def boolean(value: Any) -> str | None:
    """Check a switch; what YAML takes for a string is none."""
    if isinstance(value, bool):
        return None
    return f"{shown(value)} is not true or false"


def key_line(value: Any) -> str | None:
    """Check one public key. It is never shown: it may be a secret one."""
    what = f'one line "{KEY_KIND} BASE64" as sqs-entropy-producer --genkey prints it'
    if not isinstance(value, str):
        return f"not a string: {what} belongs here"
    if value.startswith(f"{KEY_KIND}-secret"):
        return f"this is a secret key, which belongs on the producer alone: {what}"
    if UNPRINTABLE.search(value):
        return f"holds control characters: {what} belongs here"
    kind, _, rest = value.partition(" ")
    if kind != KEY_KIND:
        return f"not a public signing key: {what} belongs here"
    text, comment = rest[:KEY_CHARS], rest[KEY_CHARS:]
    with contextlib.suppress(ValueError):
        raw = base64.b64decode(text, validate=True)
        # Encoded again, because base64 may have unused bits set.
        if len(raw) == 32 and base64.b64encode(raw).decode() == text:
            if comment[:1] not in ("", " ") or len(comment) > COMMENT_MAX:
                return f"remove or shorten what follows the key: {what} belongs here"
            return None
    return f"the key is not the base64 of 32 bytes: {what} belongs here"


def key_lines(value: Any) -> list[tuple[str, str]]:
    """Check trusted_producers; (suffix of the key's name, what is wrong)."""
    if not isinstance(value, list):
        return [("", f"{type(value).__name__}: a list of public keys belongs here")]
    if len(value) > KEYS_MAX:
        return [("", f"{len(value)} keys: at most {KEYS_MAX} can be trusted")]
    found = ((f"[{i}]", key_line(line)) for i, line in enumerate(value))
    return [(at, wrong) for at, wrong in found if wrong is not None]


a_queue = text_of(
    f"({QUEUE_URL})|({QUEUE_ARN})|({QUEUE_NAME})",
    "the name of a queue, its ARN or its URL https://HOST/ACCOUNT/QUEUE",
)


def queue_list(value: Any) -> str | None:
    """Check queues."""
    if not isinstance(value, list) or not 1 <= len(value) <= QUEUES_MAX:
        return f"{shown(value)} is not a list of 1 to {QUEUES_MAX} queues"
    for i, queue in enumerate(value):
        wrong = a_queue(queue)
        if wrong is not None:
            return f"[{i}]: {wrong}"
        if queue in value[:i]:
            return f"[{i}]: {shown(queue)} is given twice"
    return None


def one_or_several(value: Any) -> str | None:
    """Check queue."""
    return queue_list(value) if isinstance(value, list) else a_queue(value)


A_PATH = "an absolute path"
PARAMETER = "ssm:"  # before its name, in place of a path
# In the order in which they are written.
CHECKERS: dict[str, Checker] = {
    "queue": one_or_several,
    "queues": queue_list,
    "queue_order": choice("given", "random"),
    "region": text_of("[a-z0-9-]+", "a region such as eu-west-1", 63),
    "endpoint_url": text_of(HOST + "/?", "a URL https://HOST without a path"),
    "use_fips_endpoint": boolean,
    "use_dualstack_endpoint": boolean,
    "ca_bundle": text_of("/.*", A_PATH, PATH_LENGTH_MAX),
    "seal_key": text_of(
        PARAMETER + "[A-Za-z0-9./_-]([A-Za-z0-9./_:-]*[A-Za-z0-9./_-])?|/.*",
        A_PATH + ", or ssm: and the name of a parameter",
        PATH_LENGTH_MAX,
        secret=True,
    ),
    "messages": whole(1, 10),
    "timeout": whole(1, 300),
    "wait_time": whole(0, 300),
    "fallback": choice("none", "kms"),
    "unsigned": choice("mix", "credit", "refuse"),
    "unsigned_bits_per_byte": bits,
}
# Of the run alone.  A proxy's URL may hold a password.
VARIABLES = {
    "https_proxy": "https_proxy",
    "no_proxy": "no_proxy",
    "imds_endpoint_mode": "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
}
# libcurl may bring GnuTLS in, which the agent does not use, and which would start.
UNUSED = {"GNUTLS_NO_IMPLICIT_INIT": "1"}
NOT_IN_FILE: dict[str, Checker] = {
    "required": boolean,
    "https_proxy": text_of(
        r"https?://([!-.0-?A-~]+@)?[A-Za-z0-9._:\[\]-]+/?",
        "a proxy http://HOST:PORT",
        secret=True,
    ),
    "no_proxy": text_of(
        r"[A-Za-z0-9._:\[\]/*, -]+", "a list of hosts without the proxy"
    ),
    "imds_endpoint_mode": choice("IPv4", "IPv6"),
}
# Keys of the file that have another name.
IN_FILE = {"queues": "queue"}
KEYS = ("trusted_producers", *CHECKERS, *NOT_IN_FILE)


def unknown(key: Any) -> str:
    """Say which key was meant."""
    alike = str(key).replace("-", "_") if isinstance(key, str) else ""
    if alike in KEYS:
        return f"no such key: write {alike}"
    return f"no such key: there are {', '.join(sorted(KEYS))}"


def validate(directive: Any) -> list[str]:
    """All that is wrong with the value of sqs_entropy; each names its key."""
    if not isinstance(directive, dict):
        what = type(directive).__name__
        return [f"{KEY}: a mapping of keys belongs here, not {what}"]
    wrong = []
    for key, value in directive.items():
        name = f"{KEY}.{key}" if isinstance(key, str) else f"{KEY}[{shown(key)}]"
        name = UNPRINTABLE.sub("?", name)[:80]
        if key == "trusted_producers":
            wrong += [f"{name}{at}: {text}" for at, text in key_lines(value)]
            continue
        check = CHECKERS.get(key) or NOT_IN_FILE.get(key)
        text = check(value) if check else unknown(key)
        if text is not None:
            wrong.append(f"{name}: {text}")
    if "queue" in directive and "queues" in directive:
        wrong.append(f"{KEY}.queues: not beside queue: write one list of them")
    return wrong


# The machine.


def reason_to_skip() -> str | None:
    """Why nothing can seed the kernel from here: the conditions of the unit."""
    with contextlib.suppress(OSError):
        command = [DETECT_VIRT, "--container"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode == 0:
            return (
                f"a container ({done.stdout.decode().strip()}) has the kernel of its "
                "host, and the host seeds it"
            )
    with contextlib.suppress(OSError, AttributeError):
        found = re.search(r"^CapBnd:\s*(\w+)", STATUS.read_text(), re.MULTILINE)
        if not int(found[1], 16) >> CAP_SYS_ADMIN & 1:  # type: ignore[index]
            return "CAP_SYS_ADMIN was taken from this machine"
    return None


def absent(directive: dict[str, Any]) -> list[str]:
    """The keys whose files are not there."""
    paths = {key: directive[key] for key in FILES if key in directive}
    return [
        key
        for key, path in paths.items()
        if not path.startswith(PARAMETER) and not os.access(path, os.F_OK)
    ]


# The agent.


def find_program() -> str:
    """The agent; without it there is no use in a configuration."""
    found = shutil.which(PROGRAM, path=PROGRAM_PATH)
    if found is None:
        raise UnseededError(f"{PROGRAM} is not in {PROGRAM_PATH}: install it")
    return found


def wait(process: subprocess.Popen[bytes], seconds: int) -> int | None:
    """The exit code, None when it had to be killed; its children go with it."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # A process that the kernel does not let go must not hold up the boot.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
    return None


def environment(directive: dict[str, Any]) -> dict[str, str]:
    """What a run finds beside its configuration: cloud-init's, and the directive's."""
    wanted = {VARIABLES[key]: directive[key] for key in VARIABLES if key in directive}
    return {**os.environ, **UNUSED, **wanted}


def run_agent(
    command: list[str], seconds: int, env: dict[str, str] | None = None
) -> tuple[int | None, list[str]]:
    """Run it; its exit code, None when it was killed, and its last lines."""
    # A file, because a pipe that some child keeps open would be waited for.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=env,
            start_new_session=True,
        )
        code = wait(process, seconds)
        output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL_BYTES))
        said = output.read().decode("utf-8", "replace")
    return code, said.splitlines()[-TAIL_LINES:]


def meaning(code: int | None, limit: int) -> str:
    """What came of the run, in words."""
    if code is None:
        return f"killed: it ran for over {limit} s"
    if code < 0:
        return f"ended by signal {-code}"
    return f"exit {code}: {EXITS.get(code, 'unknown')}"


# The files.


def quoted(text: str) -> str:
    r"""A string as libconfuse reads it back; ${X} would be the environment's."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def written(value: Any) -> str:
    """A valid value as the configuration file has it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "{" + ", ".join(map(quoted, value)) + "}"
    # Never 1e-05, which the agent takes for no number.
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def configuration(directive: dict[str, Any]) -> str:
    """The text of agent.conf for a valid directive."""
    lines = [
        f"{IN_FILE.get(key, key.replace('_', '-'))} = {written(directive[key])}\n"
        for key in CHECKERS
        if key in directive
    ]
    return HEADER + "".join(lines)


def key_files(directive: dict[str, Any]) -> dict[str, str]:
    """Name and text of each key's file; a key given twice counts once."""
    lines: dict[str, str] = {}
    for line in directive.get("trusted_producers", []):
        lines.setdefault(line.split(" ")[1], line)
    return {
        KEY_FILE.format(i): f"{MARK}\n{line}\n"
        for i, line in enumerate(lines.values(), 1)
    }


def stage(directory: Path, name: str, text: str) -> Path:
    """Write a file that nobody reads yet. Its name is no key's: it has a dot first."""
    fd, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, 0o644)
            os.fsync(fd)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Path(temporary)


def lay_out(scratch: Path, texts: dict[Path, str]) -> Path:
    """Copy to scratch what DIRECTORY is going to hold; the configuration's path.

    The operator's keys are links, so that theirs are the owners and modes that the
    agent looks at; cloud-init's older keys are left out, as they are going to go.
    """
    trusted = DIRECTORY / "trusted.d"
    copy = scratch / "trusted.d"
    copy.mkdir(mode=0o755)
    for path, text in texts.items():
        stage(scratch, path.name, text).rename(scratch / path.relative_to(DIRECTORY))
    old = set(trusted.glob(KEY_FILES))
    for path in trusted.glob("*.pub"):
        # The agent reads no file whose name begins with a dot.
        if path not in old and not path.name.startswith("."):
            (copy / path.name).symlink_to(path)
    conf = scratch / "agent.conf"
    with conf.open("a", encoding="utf-8") as file:
        file.write(f"trusted-producers = {quoted(str(copy))}\n")
    # It refuses a directory that others can change; scratch keeps them out of this.
    if trusted.exists():
        found = trusted.stat()
        os.chown(copy, found.st_uid, -1)
        copy.chmod(stat.S_IMODE(found.st_mode) | stat.S_IRWXU)
    return conf


def check_outcome(program: str, texts: dict[Path, str], conf: str) -> None:
    """Let the agent have the last word on what it is going to read.

    The configuration is conf, not that of texts.
    """
    texts = {**texts, DIRECTORY / "agent.conf": conf}
    with tempfile.TemporaryDirectory(prefix="sqs-entropy-", dir=SCRATCH) as scratch:
        copy = lay_out(Path(scratch), texts)
        command = [program, "--check", "--config", str(copy)]
        code, lines = run_agent(command, CHECK_TIMEOUT)
    said = [line.replace(scratch, str(DIRECTORY)) for line in lines]
    if code == CONFIGURATION:
        text = "; ".join(said)
        raise DirectiveError(f"{KEY}: the agent refuses the configuration: {text}")
    if code != 0:
        text = f"nothing was written, {PROGRAM} --check {meaning(code, CHECK_TIMEOUT)}"
        raise UnseededError("; ".join([text, *said]), mistake=True)


def is_ours(path: Path) -> bool:
    """Whether cloud-init wrote the file, and nobody took the mark away."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n") == MARK
    except FileNotFoundError:
        return False


def keep_operators(path: Path) -> None:
    """Put a configuration that came with the image aside.

    The directive is the younger word, about this very instance, so it wins;
    cloud-init/clean puts the other one back.
    """
    if path.is_symlink() or (path.exists() and not is_ours(path)):
        saved = path.with_name(SAVED)
        path.replace(saved)
        LOG.info("%s: %s is now %s", KEY, path, saved)


def install(program: str, directive: dict[str, Any]) -> None:
    """Write keys and configuration: all of them whole, or none."""
    trusted = DIRECTORY / "trusted.d"
    final = DIRECTORY / "agent.conf"
    texts = {final: configuration(directive)}
    texts.update((trusted / n, text) for n, text in key_files(directive).items())
    # The agent refuses what names files that are not there.
    missing = absent(directive)
    now = {key: directive[key] for key in directive if key not in missing}
    check_outcome(program, texts, configuration(now))
    trusted.mkdir(mode=0o755, parents=True, exist_ok=True)
    staged: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            staged[path] = stage(path.parent, path.name, text)
        keep_operators(final)
        # Nothing is left but renaming, which needs no room.
        for path, temporary in staged.items():
            temporary.replace(path)
        for old in trusted.glob(KEY_FILES):
            if old not in texts:
                old.unlink()
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
    LOG.debug("%s: wrote %s and %d keys", KEY, final, len(texts) - 1)


def seed(program: str, directive: dict[str, Any]) -> None:
    """Run the agent and tell the outcome."""
    timeout = directive.get("timeout", TIMEOUT)
    command = [program, "--config", str(DIRECTORY / "agent.conf")]
    code, lines = run_agent(command, timeout + GRACE, environment(directive))
    for line in lines:
        LOG.info("%s", line)
    if code != 0:
        text = f"not seeded, {PROGRAM} {meaning(code, timeout + GRACE)}"
        raise UnseededError("; ".join([text, *lines[-1:]]), code in MISTAKES)
    say(logging.INFO, "seeded, exit 0" + "".join(f"; {line}" for line in lines[-1:]))


def say(level: int, text: str) -> None:
    """To cloud-init's log, and for the console and the journal to stderr."""
    LOG.log(level, "%s: %s", KEY, text)
    with contextlib.suppress(OSError, ValueError):
        print(f"{KEY}: {text}", file=sys.stderr, flush=True)


def apply(directive: Any, early: bool) -> None:
    """Do what the directive says, or raise."""
    wrong = validate(directive)
    if wrong:
        raise DirectiveError("; ".join(wrong))
    reason = reason_to_skip()
    if reason is not None:
        say(logging.INFO, f"skipped: {reason}")
        return
    missing = absent(directive)
    text = f"what {' and '.join(missing)} names is not there yet"
    if missing and early:
        raise TooEarlyError(f"{text}: put off until just before the host keys")
    program = find_program()
    install(program, directive)
    if missing:
        raise UnseededError(
            f"not seeded, {text}: the configuration is written, and {PROGRAM}.service "
            "runs by it at its next time",
            mistake=True,
        )
    seed(program, directive)


def is_due(name: str, cfg: dict[str, Any], words: Any) -> bool:
    """Whether this entry of the list has something to do."""
    global left_to_late
    if KEY not in cfg:
        LOG.debug("%s: no directive %s, nothing to do", name, KEY)
        return False
    due = left_to_late or LATE not in words
    left_to_late = False
    return due


def handle(name: str, cfg: dict[str, Any], *rest: Any, **named: Any) -> None:
    """Take cloud-init's call: positional until 23.1, by name and without log later."""
    global left_to_late
    words = named.get("args", rest[-1] if rest else None) or ()
    if not is_due(name, cfg, words):
        return
    directive = cfg[KEY]
    # Even of a directive that is wrong elsewhere.
    required = isinstance(directive, dict) and directive.get("required") is True
    try:
        apply(directive, EARLY in words)
    except TooEarlyError as error:
        left_to_late = True
        say(logging.INFO, str(error))
    except UnseededError as error:
        say(logging.WARNING if error.mistake or required else logging.INFO, str(error))
        if required:
            raise
    except DirectiveError as error:
        say(logging.WARNING, f"directive refused, nothing was written: {error}")
        if required:
            raise
    except Exception as error:
        # A full disk, say; the boot goes on all the same.
        say(logging.WARNING, f"not seeded: {type(error).__name__}: {error}")
        if required:
            raise
