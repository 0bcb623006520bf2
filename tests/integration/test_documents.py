# SPDX-License-Identifier: Apache-2.0
"""The commands of README and docs/ are run as they stand, or say why they are not.

They run one document after another, each in a namespace of its own: /etc, /run,
/var/lib and the home are copies or empty there, and sudo, systemctl, editor and
cloud-init are stand-ins.  That of systemctl knows the units of this repository, and
starts and stops the producer.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aid.documents import Block, blocks, documents
from aid.environment import ROOT
from aid.kernel import REASON
from aid.queue import REGION, Moto, Queue
from aid.settings import Table

SECONDS = 240
# What a command leaves behind, such as gpg's agent, ends with it.
APART = ["unshare", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"]

# What a document asks for that a machine may lack.
TOOLS = {"aws.md": "jq", "conformance.md": "jq", "fleet.md": "gpg"}

PROGRAMS = ("agent", "producer")
OPTIONS_OF = [*documents(), ROOT / "cloud-init/README.md"]

# What the reader fills in.
FILLED_IN = {r"\bURL\b": "{url}", r"\bNAME\b": "{name}"}

# $W is the folder of this sandbox, $ROOT that of the repository.
BEGIN = r"""
set -euo pipefail
mount --make-rprivate /
mkdir -p "$W/etc" "$W/home" "$W/bin"
cp -a /etc/. "$W/etc"
mount --bind "$W/etc" /etc
for d in /run /var/lib /usr/share/doc; do mount -t tmpfs none $d; done
examples=/usr/share/doc/sqs-entropy-producer/examples
mkdir -p /etc/sqs-entropy/trusted.d /etc/cloud/clean.d /run/sqs-entropy $examples
mkdir -p /run/systemd/system
begin_afresh() {
	find /etc/sqs-entropy -type f -delete
	rm -rf /var/lib/sqs-entropy*
	mkdir /var/lib/sqs-entropy
	for d in sqs-entropy-producer sqs-entropy-producer-net; do
		mkdir -p /var/lib/$d /run/$d
		! id $d >/dev/null 2>&1 || chown $d: /var/lib/$d /run/$d
	done
}
begin_afresh
cp "$ROOT/producer/producer.conf" $examples
install "$ROOT/cloud-init/clean" /etc/cloud/clean.d/80-sqs-entropy-agent
head -c 1000000 /dev/urandom >"$W/source"
chmod 644 "$W/source"
put() { cat >"$W/bin/$1"; chmod 755 "$W/bin/$1"; }
put sudo <<'END'
#!/bin/sh
exec "$@"
END
put aws <<END
#!/bin/sh
exec "$VENV/aws" --endpoint-url "$AWS_ENDPOINT_URL" "\$@"
END
put editor <<END
#!/bin/sh
printf '%s\n' 'queue = "$URL"' 'device = "$W/source"' >>"\$1"
END
put systemctl <<END
#!/bin/sh
case \$2 in systemd-time-wait-sync*) exit 0 ;; esac
name=\${2%.service}
ls "$ROOT"/*/systemd/"\$name".service.in >/dev/null || exit
case \$1-\$name in
stop-*producer | *start-*producer)
	read -r pid </run/pid && kill \$pid &&
		while kill -0 \$pid; do sleep 0.1; done
	rm -f /run/pid ;;
esac 2>/dev/null
case \$1-\$name in
*start-*producer)
	rm -f /run/\$name/producer.json
	\$name >"$W/log" 2>&1 & echo \$! >/run/pid
	until [ -s /run/\$name/producer.json ]; do sleep 0.1; done ;;
esac
END
put cloud-init <<'END'
#!/bin/sh
[ "$*" = "clean --logs" ]
END
export PATH="$W/bin:$BUILD:$VENV:$PATH" HOME="$W/home"
cd "$W/home"
"""
# What a document takes for granted.
AN_INSTANCE = """
echo "queue = \\"$URL\\"" >/etc/sqs-entropy/agent.conf
echo "queue = \\"$URL\\"" >/etc/sqs-entropy/producer.conf
echo "device = \\"$W/source\\"" >>/etc/sqs-entropy/producer.conf
sqs-entropy-producer --once
systemctl start sqs-entropy-producer
sqs-entropy-agent --best-effort
"""
A_PRODUCER = """
echo "device = \\"$W/source\\"" >/etc/sqs-entropy/producer.conf
echo "region = \\"$AWS_REGION\\"" >>/etc/sqs-entropy/producer.conf
"""
A_SAMPLE = """
sqs-entropy-producer --assess "$W/source" --json --dump raw.bin >assess.json
cp raw.bin restart.bin
"""
GIVEN = {
    "README.md": AN_INSTANCE,
    "conformance.md": A_SAMPLE,
    "fleet.md": AN_INSTANCE,
    "instance.md": AN_INSTANCE,
    "pi.md": A_PRODUCER,
}

ALL = [block for file in documents() for block in blocks(file)]
RUN = [f for f in documents() if any(b.file == f and b.kind == "run" for b in ALL)]


def test_there_are_commands_of_each_kind() -> None:
    """The reader of the documents finds them."""
    kinds = {"run", "run afresh", "not run", "run by"}
    assert {block.kind for block in ALL} == kinds
    assert len(ALL) > 15


@pytest.mark.parametrize(
    "block", [b for b in ALL if b.kind == "run by"], ids=lambda b: b.where
)
def test_what_others_run_stands_there(block: Block) -> None:
    """A block that says who runs it is right."""
    assert block.missing_elsewhere() == []


@pytest.mark.parametrize(
    "block", [b for b in ALL if b.kind == "not run"], ids=lambda b: b.where
)
def test_what_is_not_run_says_why(block: Block) -> None:
    """A block that is not run has a reason of some words."""
    assert len(block.why.split()) >= 3


@pytest.mark.parametrize("file", OPTIONS_OF, ids=lambda f: str(f.parent.name))
def test_every_option_that_is_named_exists(file: Path, build: Path) -> None:
    """Of a call of ours, and of an option that stands alone."""
    tables = {name: Table.of(build, name).names("option") for name in PROGRAMS}
    unknown = []
    spans = re.findall(r"`([^`\n]+)`", file.read_text())
    calls = [command for block in blocks(file) for command in block.commands]
    for text in (*spans, *calls):
        called = re.search(r"sqs-entropy-(agent|producer)(?![\w.-])(.*)", text)
        alone = text in spans and text.startswith("--")
        words = called[2] if called else text if alone else ""
        known = tables[called[1]] if called else set.union(*tables.values())
        for name in re.findall(r"(?<!\S)--([a-z-]+)", words.split(" | ")[0]):
            if name not in known:
                unknown.append(text)
    assert unknown == []


def fill_in(text: str, queue: Queue) -> str:
    """Write what the reader would."""
    for pattern, value in FILLED_IN.items():
        text = re.sub(pattern, value.format(url=queue.url, name=queue.name), text)
    return text


@functools.cache
def why_not() -> str | None:
    """Give the reason why this process cannot do it; some pages seed the kernel."""
    if REASON is not None:
        return REASON
    apart = subprocess.run([*APART, "true"], capture_output=True, check=False)
    return None if apart.returncode == 0 else "no namespaces can be made here"


@pytest.mark.parametrize("file", RUN, ids=lambda f: f.name)
def test_the_commands_run(
    file: Path, moto: Moto, queue: Queue, build: Path, tmp_path: Path, root: Path
) -> None:
    """Every command of a document ends with 0, in their order."""
    tool = TOOLS.get(file.name, "bash")
    reason = why_not() or (f"no {tool} here" if shutil.which(tool) is None else None)
    if reason is not None:
        pytest.skip(reason)
    parts = [BEGIN, GIVEN.get(file.name, "")]
    for block in blocks(file):
        if block.kind == "run afresh":
            parts.append("begin_afresh")
        if block.kind.startswith("run") and block.kind != "run by":
            parts += [f"echo '== {block.where}' >&2", fill_in(block.text, queue)]
    environment = {
        "PATH": os.environ["PATH"],
        "W": str(tmp_path),
        "ROOT": str(root),
        "BUILD": str(build),
        "VENV": str(Path(sys.executable).parent),
        "URL": queue.url,
        "AWS_ENDPOINT_URL": moto.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    tmp_path.chmod(0o755)
    script = tmp_path / "script"
    script.write_text("\n".join(parts))
    done = subprocess.run(
        [*APART, "bash", script],
        stdin=subprocess.DEVNULL,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
