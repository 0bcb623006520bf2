# SPDX-License-Identifier: Apache-2.0
"""Ways to break one thing of the world of aid/doctor.py, each by its name."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from aid import certificates
from aid.doctor import WAIT_SYNC, World
from aid.forge import SEAL, key_line
from aid.sqsproxy import service_error
from aid.sts import Sts, refusal
from aid.users import AGENT_ONLINE

DENIED = "User: arn:aws:sts::123456789012:assumed-role/a/i is not authorized to perform"


def denial(action: str, why: str) -> dict[str, Any]:
    """The members of a fault that refuses an action as IAM words it."""
    text = f"{DENIED}: {action} on resource: arn:aws:sqs:eu-west-1:1:q {why}"
    return service_error(
        "AccessDeniedException",
        text,
        403,
        query_code="AccessDenied",
        shape="com.amazon.coral.service",
    )


SCP = denial("sqs:receivemessage", "with an explicit deny in a service control policy")
NOT_ALLOWED = denial(
    "sqs:sendmessage",
    "because no identity-based policy allows the sqs:sendmessage action",
)
KMS = service_error(
    "KmsAccessDenied",
    "The ciphertext refers to a customer master key that does not exist",
    400,
    query_code="KMS.AccessDeniedException",
)
KEY_OFF = service_error(
    "KmsDisabled", "The request was denied.", query_code="KMS.DisabledException"
)
SCOPE = service_error(
    "InvalidSignatureException",
    "Credential should be scoped to a valid region.",
    403,
    query_code="SignatureDoesNotMatch",
    shape="com.amazon.coral.service",
)


# What is broken, by its name.


def no_name(w: World) -> None:
    """DNS does not know the endpoint, and nobody answers as name server."""
    nobody = w.write("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n")
    w.more += [  # which may be a link to what is under /run
        "file=$(realpath -m /etc/resolv.conf)",
        'mkdir -p "${file%/*}"',
        'test -e "$file" || : >"$file"',
        f'mount --bind {nobody} "$file"',
    ]
    w.env["AWS_ENDPOINT_URL_SQS"] = "https://sqs.nowhere.example"


def no_route(w: World) -> None:
    """A network without a way out; the keys are from the environment."""
    w.before = ["unshare", "--net"]
    own_keys(w)
    w.env["AWS_ENDPOINT_URL_SQS"] = "https://192.0.2.1"


def own_keys(w: World) -> None:
    """Credentials that need nobody."""
    w.env |= {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


HELD: list[socket.socket] = []


def closed_port() -> int:
    """A port of loopback at which nobody listens, as long as this process runs."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    HELD.append(held)
    return int(held.getsockname()[1])


def refused(w: World) -> None:
    """Nobody listens at the endpoint."""
    w.env["AWS_ENDPOINT_URL_SQS"] = f"https://127.0.0.1:{closed_port()}"


def no_proxy(w: World) -> None:
    """A proxy that is not there."""
    w.env["HTTPS_PROXY"] = f"http://127.0.0.1:{closed_port()}"


def other_ca(w: World) -> None:
    """A bundle that did not issue the certificate."""
    folder = w.folder / "other"
    folder.mkdir()
    w.env["AWS_CA_BUNDLE"] = certificates.make(folder).path


def old_certificate(w: World) -> None:
    """A certificate that ends in two days."""
    folder = w.folder / "short"
    folder.mkdir()
    short = certificates.make(folder, ends=2)
    assert w.proxy.context is not None
    w.proxy.context.load_cert_chain(*short.tls)
    w.env["AWS_CA_BUNDLE"] = short.path


def no_bundle(w: World) -> None:
    """A bundle that is not there."""
    w.env["AWS_CA_BUNDLE"] = "/nonexistent.pem"


def wrong_clock(w: World) -> None:
    """The service is 400 s ahead."""
    date = formatdate(time.time() + 400, usegmt=True)
    w.proxy.fault("GET /", count=None, headers={"Date": date}, forward=True)


def no_role(w: World) -> None:
    """An instance without a role."""
    w.imds.role = None


def lost_hop(w: World) -> None:
    """The answer to the token's PUT is lost."""
    w.imds.fault("PUT *", count=None, end="silence")


def imds_off(w: World) -> None:
    """The metadata service is off."""
    w.imds.enabled = False


def old_credentials(w: World) -> None:
    """The metadata service goes on giving what has expired."""
    w.imds.rotation = False
    w.imds.lifetime = -60


def no_credentials(w: World) -> None:
    """Nobody gives any."""
    w.env["AWS_EC2_METADATA_DISABLED"] = "true"
    w.env["AWS_REGION"] = "eu-west-1"


def no_tag(w: World) -> None:
    """Neither a queue nor a tag that names one."""
    del w.conf["queue"]
    w.imds.tags = {}
    w.imds.tags_enabled = True


def no_queue(w: World) -> None:
    """The queue was deleted."""
    w.conf["queue"] += "x"


def fault(operation: str, values: dict[str, Any]) -> Callable[[World], None]:
    """The service refuses an operation."""

    def strike(w: World) -> None:
        w.proxy.fault(operation, count=None, **values)

    return strike


def attributes(**values: str) -> Callable[[World], None]:
    """The queue has another attribute."""

    def change(w: World) -> None:
        w.queue.client.set_queue_attributes(QueueUrl=w.queue.url, Attributes=values)

    return change


def in_answer(**values: str) -> Callable[[World], None]:
    """The same, where moto has no such attribute, in the answer alone."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        document["Attributes"].update(values)
        return document

    def change(w: World) -> None:
        w.proxy.fault("GetQueueAttributes", count=None, edit=edit)

    return change


def redrive(w: World) -> None:
    """What is not deleted moves to another queue."""
    client = w.queue.client
    dead = client.create_queue(QueueName=f"{w.queue.name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": "1",
    }
    attributes(RedrivePolicy=json.dumps(policy))(w)


def empty(w: World) -> None:
    """No message is there."""
    w.queue.client.purge_queue(QueueUrl=w.queue.url)


def mode(name: str, bits: int) -> Callable[[World], None]:
    """A file that others may read or write."""

    def change(w: World) -> None:
        (w.folder / name).chmod(bits)

    return change


def untrusted(w: World) -> None:
    """The last run's message was signed by a stranger."""
    message = {"bytes": 512, "bits": 0, "withheld": ["producer not trusted"]}
    w.last_run(credit=0, messages=[message])


def failed_run(w: World) -> None:
    """The last run failed."""
    w.last_run(exit=69, result="unreachable", bytes=0, credit=0)


def damaged_status(w: World) -> None:
    """Its status is no JSON."""
    Path(w.env["RUNTIME_DIRECTORY"], "agent.json").write_text("{")


def failing_queue(w: World) -> None:
    """The service cannot send to one of its queues."""
    good = {"queue": "a", "result": "done", "sent": 3}
    bad = {"queue": "b", "result": "access denied", "since": 0, "why": "no send"}
    w.service(queues=[good, bad])


def no_messages(w: World) -> None:
    """The service can make no messages."""
    w.service(why="the source is silent")


def killed_service(w: World) -> None:
    """The service was killed long ago, and could not say so."""
    w.service(boottime=1)


def disturbed_run(w: World) -> None:
    """The last run's message had been received before."""
    message = {"bytes": 512, "bits": 0, "withheld": ["delivered before"]}
    w.last_run(credit=0, messages=[message])


def ended_service(w: World) -> None:
    """The service has given up."""
    w.service(state="ended", exit=65, result="a source failed", why="dead")


def no_keys(w: World) -> None:
    """Nobody is trusted."""
    (w.folder / "trusted/pi.pub").unlink()


def misnamed(w: World) -> None:
    """A key in a file that nobody reads."""
    (w.folder / "trusted/pi.txt").write_text("")


def no_wait(w: World) -> None:
    """A machine without a clock of its own does not wait for NTP."""
    w.more.append("mount -t tmpfs none /sys/class")
    w.unit(WAIT_SYNC, UnitFileState="disabled")


def no_seal_key(w: World) -> None:
    """The fleet's secret key is not where the configuration says."""
    w.conf["seal-key"] = "/nonexistent"


def read_only(w: World) -> None:
    """The state lies on a file system that is read-only."""
    state = w.env["STATE_DIRECTORY"]
    w.more += [f"mount --bind {state} {state}", f"mount -o remount,ro,bind {state}"]


def no_state(w: World) -> None:
    """The directory of the state is not there."""
    Path(w.env["STATE_DIRECTORY"]).rmdir()


def no_user(w: World) -> None:
    """One of the users is missing."""
    text = Path("/etc/passwd").read_text()
    rest = "".join(
        line
        for line in text.splitlines(True)
        if not line.startswith(f"{AGENT_ONLINE}:")
    )
    w.more.append(f"mount --bind {w.write('passwd', rest)} /etc/passwd")


def unit(name: str, **state: str) -> Callable[[World], None]:
    """Have systemd say so of a unit."""
    return lambda w: w.unit(f"sqs-entropy-{name}", **state)


def other_list(w: World) -> None:
    """User-data has a list of modules of its own."""
    w.write(
        "lib/cloud/instance/cloud-config.txt",
        "sqs_entropy: {}\ncloud_init_modules:\n- ssh\n  # - sqs_entropy\n"
        "users: [sqs_entropy]\n",
    )


def no_list(w: World) -> None:
    """The package's entry is not in the list."""
    w.write("run/cloud-init/cloud.cfg", "datasource: Ec2\n")


def no_device(w: World) -> None:
    """The device is not there."""
    w.conf["device"] = "/dev/nonexistent"


def silent_device(w: World) -> None:
    """The device gives no byte."""
    os.read(w.generator.fileno(), 65536)


def regular_device(w: World) -> None:
    """The device is a file for trials."""
    path = w.folder / "file"
    path.write_bytes(os.urandom(4096))
    w.conf["device"] = str(path)


def roots_device(w: World) -> None:
    """The rule has not given the device to its user."""
    os.chown(w.conf["device"], 0, 0)
    Path(w.conf["device"]).chmod(0o600)


def no_signing_key(w: World) -> None:
    """No key is configured."""
    del w.conf["signing-key"]


def no_landlock(w: World) -> None:
    """The kernel has no Landlock."""
    w.before = [str(w.run.build / "tests/programs/without"), "landlock"]


def no_random(w: World) -> None:
    """KMS gives no random bytes to this role."""
    w.conf["fallback"] = "kms"
    w.env["AWS_ENDPOINT_URL_KMS"] = w.proxy.url
    text = f"{DENIED}: kms:GenerateRandom because no identity-based policy allows it"
    refusal = service_error("AccessDeniedException", text)
    w.proxy.fault("GenerateRandom", count=None, **refusal)


def no_parameter(w: World) -> None:
    """The sealing key is a parameter that nobody has made."""
    w.conf["seal-key"] = "ssm:/nothing"
    w.env["AWS_ENDPOINT_URL_SSM"] = w.proxy.url


def old_junk(w: World) -> None:
    """The parameter holds a key, and the version before it something else."""
    no_parameter(w)
    key = key_line(SEAL + "-secret", bytes(range(32)))
    for version, value in ((2, key), (1, "junk")):
        parameter = {"Type": "SecureString", "Value": value, "Version": version}
        answer = json.dumps({"Parameter": parameter})
        w.proxy.fault("GetParameter", status=200, body=answer)


def loud_sts(code: str, text: str) -> Callable[[World], None]:
    """STS knows better."""

    def change(w: World) -> None:
        w.sts = Sts(w.env["AWS_ENDPOINT_URL_STS"]).start()
        w.sts.fault("GetCallerIdentity", count=None, **refusal(code, text, 403))
        w.env["AWS_ENDPOINT_URL_STS"] = w.sts.url

    return change
