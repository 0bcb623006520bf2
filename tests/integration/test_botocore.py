# SPDX-License-Identifier: Apache-2.0
"""Who signs here signs with botocore, in environments that are made up.

Files, variables and profiles are drawn by chance, from a fixed seed.  Both look
for credentials at the same services, whose credentials tell the whole way to
them: a role's key is made from its ARN and from who asked.  Not drawn is what
botocore passes over and we refuse: a secret key without its access key, a profile
that was asked for with a source and no role, a role that wants a code typed in
(test_profiles.py, unit/aws/test_chain_profile.c).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import parse_qs

import botocore.session
import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "chain"
SEED = 20261128
COUNT = 200
LATER = "2999-01-01T00:00:00Z"


class Keys(NamedTuple):
    """Credentials."""

    access_key: str
    secret_key: str
    token: str


def made(*way: str) -> Keys:
    """Make the credentials that are come by this way."""
    digest = hashlib.sha256("|".join(way).encode()).hexdigest()
    return Keys("AKIA" + digest[:16].upper(), digest[16:56], "t" + digest[40:])


def document(keys: Keys, member: str = "Token") -> str:
    """Word credentials as JSON."""
    return json.dumps(
        {
            "Version": 1,
            "Code": "Success",
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret_key,
            member: keys.token,
            "Expiration": LATER,
        }
    )


class Services(BaseHTTPRequestHandler):
    """IMDS, a container's host and STS."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def say(self, text: str) -> None:
        """Answer."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.end_headers()
        self.wfile.write(body)

    def serve(self) -> None:
        """Answer one."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.command == "POST":
            self.say(self.give_role(parse_qs(body)))
        elif self.command == "PUT":
            self.say("imds-token")
        elif self.path.endswith("/security-credentials/"):
            self.say("instance")
        elif self.path.endswith("/security-credentials/instance"):
            self.say(document(made("imds")))
        elif self.path == "/container":
            self.say(document(made("container")))
        else:
            self.send_error(404)

    do_GET = do_PUT = do_POST = serve  # noqa: N815

    def give_role(self, form: dict[str, list[str]]) -> str:
        """Give a role's credentials, which tell who asked."""
        (action,) = form["Action"]
        by = re.search("Credential=([^/]+)/", self.headers.get("Authorization", ""))
        asker = by.group(1) if by else form["WebIdentityToken"][0]
        name = form.get("RoleSessionName", [""])[0]
        given = made(
            form["RoleArn"][0],
            asker,
            form.get("ExternalId", [""])[0],
            form.get("DurationSeconds", [""])[0],
            name if name.startswith("session-") else "",
        )
        space = "https://sts.amazonaws.com/doc/2011-06-15/"
        return (
            f'<{action}Response xmlns="{space}"><{action}Result><AssumedRoleUser>'
            "<AssumedRoleId>AROAEXAMPLE:s</AssumedRoleId>"
            "<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{given.access_key}</AccessKeyId>"
            f"<SecretAccessKey>{given.secret_key}</SecretAccessKey>"
            f"<SessionToken>{given.token}</SessionToken>"
            f"<Expiration>{LATER}</Expiration></Credentials></{action}Result>"
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
            f"</{action}Response>"
        )


@pytest.fixture
def services() -> Iterator[str]:
    """Give the URL of all services."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Services) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


PROFILES = ["default", "one", "two", "three"]


class World:
    """One environment: variables, and files in a folder."""

    def __init__(self, chance: Random, folder: Path, url: str) -> None:
        self.chance, self.folder, self.url = chance, folder, url
        (folder / "token").write_text("the-web-identity-token")
        self.sections: dict[str, dict[str, dict[str, str]]] = {
            "config": {},
            "credentials": {},
        }

    def often(self, share: float) -> bool:
        """Decide."""
        return self.chance.random() < share

    def process(self, name: str) -> str:
        """Word a command that gives credentials, or fails."""
        file = self.folder / f"{name}.json"
        file.write_text(document(made("process", name), "SessionToken"))
        return f"cat '{file}'" if self.often(0.8) else "false"

    def keys(self, *way: str) -> dict[str, str]:
        """Give the keys of a file, now and then half of them."""
        keys = made(*way)
        values = {"aws_access_key_id": keys.access_key}
        if self.often(0.93):
            values["aws_secret_access_key"] = keys.secret_key
        if self.often(0.5):
            name = self.chance.choice(["aws_session_token", "aws_security_token"])
            values[name] = keys.token
        return values

    def role(self, name: str) -> dict[str, str]:
        """Give a profile's role, by what it is assumed, and how."""
        values = {"role_arn": f"arn:aws:iam::123456789012:role/{name}"}
        if self.often(0.65):
            source = [*PROFILES, "missing"] if self.often(0.2) else PROFILES
            values["source_profile"] = self.chance.choice(source)
        if "source_profile" not in values or self.often(0.05):
            sources = ["Environment", "EcsContainer", "Ec2InstanceMetadata", "Moon"]
            values["credential_source"] = self.chance.choice(sources)
        if self.often(0.2):
            values["external_id"] = "an external id"
        if self.often(0.2):
            values["duration_seconds"] = "3600"
        if self.often(0.2):
            values["role_session_name"] = "session-name"
        return values

    def add_profile(self, name: str) -> None:
        """Draw what a profile says, in either file."""
        config: dict[str, str] = {"output": "json"} if self.often(0.5) else {}
        if self.often(0.5):
            config |= {"region": "eu-west-1"}
        if self.often(0.2):
            config |= self.keys("config", name)
        if self.often(0.4):
            config |= self.role(name)
        if self.often(0.1):
            config["web_identity_token_file"] = str(self.folder / "token")
        if self.often(0.15):
            config["credential_process"] = self.process(name)
        if self.often(0.03):
            config |= {"sso_account_id": "1", "sso_role_name": "r"}
        if self.often(0.03):
            config["login_session"] = "somebody"
        if config or self.often(0.5):
            self.sections["config"][name] = config
        if self.often(0.3):
            self.sections["credentials"][name] = self.keys("credentials", name)

    def write(self) -> None:
        """Write both files, each section in one of the forms that people use."""
        for file, sections in self.sections.items():
            lines = ["# made up\n"]
            for name, values in sections.items():
                plain = file == "credentials" or (name == "default" and self.often(0.7))
                lines.append(f"[{name}]\n" if plain else f"[profile {name}]\n")
                indent = self.chance.choice(["", "", "  ", "\t"])
                equals = self.chance.choice([" = ", "=", "  =\t"])
                for key, value in values.items():
                    if self.often(0.1):
                        lines.append(f"{indent}; a comment\n\n")
                    written = key.upper() if self.often(0.05) else key
                    lines.append(f"{indent}{written}{equals}{value}\n")
                if self.often(0.2):
                    lines.append(
                        f"{indent}s3 =\n{indent}  aws_access_key_id = nested\n"
                    )
            if self.often(0.02):
                lines.append("neither a section nor a property\n")
            (self.folder / file).write_text("".join(lines))

    def environment_keys(self) -> dict[str, str]:
        """Draw the keys of the environment."""
        keys = made("environment")
        env = {"AWS_ACCESS_KEY_ID": keys.access_key}
        if self.often(0.9):
            env["AWS_SECRET_ACCESS_KEY"] = keys.secret_key
        for name in ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"):
            if self.often(0.4):
                env[name] = keys.token + name[-14:]
        if self.often(0.3):
            env["AWS_CREDENTIAL_EXPIRATION"] = self.chance.choice(
                [LATER, "2020-01-01T00:00:00Z"]
            )
        return env

    def variables(self) -> dict[str, str]:
        """Draw the variables."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": "~/credentials",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url + "/",
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_MAX_ATTEMPTS": "1",
        }
        if self.often(0.7):
            env["AWS_DEFAULT_REGION"] = "eu-central-1"
        if self.often(0.3):
            env["AWS_EC2_METADATA_DISABLED"] = "true"
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            if self.often(0.6 if name == "AWS_PROFILE" else 0.1):
                env[name] = self.chance.choice([*PROFILES, *PROFILES, "missing"])
        if self.often(0.12):
            env |= self.environment_keys()
        if self.often(0.12):
            name = "token" if self.often(0.85) else "no-token"
            env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(self.folder / name)
            if self.often(0.85):
                env["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/web"
        if self.often(0.25):
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.url + "/container"
        return env


def ask_ours(env: dict[str, str]) -> Keys | str:
    """Ask our chain: who signs, or why nobody does."""
    done = subprocess.run(
        [TOOL, "0", ""], env=env, capture_output=True, text=True, check=True
    )
    said = done.stdout.split()
    if said[0] != "ok":
        return done.stdout
    return Keys(*(bytes.fromhex(w).decode() if w != "-" else "" for w in said[1:4]))


def ask_botocore(env: dict[str, str]) -> Keys | str:
    """Ask botocore's."""
    with mock.patch.dict(os.environ, env, clear=True):
        try:
            found = botocore.session.Session().get_credentials()
            if found is None:
                return "nobody"
            frozen = found.get_frozen_credentials()
        except Exception as error:  # it has no class for all of its own
            return f"{type(error).__name__}: {error}"
    return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")


def test_who_signs_is_whom_botocore_finds(services: str, tmp_path: Path) -> None:
    chance = Random(SEED)
    seen: Counter[str] = Counter()
    differ = []
    for number in range(COUNT):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(chance, folder, services)
        for name in PROFILES:
            if world.often(0.9):
                world.add_profile(name)
        world.write()
        env = world.variables()
        ours, theirs = ask_ours(env), ask_botocore(env)
        if isinstance(ours, str) and isinstance(theirs, str):
            seen["nobody"] += 1
        elif ours == theirs:
            seen["the same"] += 1
        else:
            differ.append(f"{number}: {ours!r}, but {theirs!r}")
    assert differ == []
    # Chance is kind enough to both.
    assert min(seen.values()) > COUNT // 5, seen
