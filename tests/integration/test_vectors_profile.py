# SPDX-License-Identifier: Apache-2.0
"""Shared AWS files against vectors that others have published.

VECTORS=DIR names a folder that has profile-parser-tests.json and
file-location-tests.json of smithy-lang/smithy-rs.  They are no part of this
project.  What botocore reads otherwise than they say is below, and both are
held to one form by test_botocore_reads_the_same.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.configloader import load_config, raw_config_parse
from botocore.exceptions import ConfigParseError

VECTORS = Path(os.environ.get("VECTORS", ""))
DATA = VECTORS / "smithy-rs/aws/rust-runtime/aws-runtime/test-data"
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "shared"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

# Cases that do not apply: botocore, and so we, finds [profile foo!bar], and in the
# credentials file [in valid 2], by exactly that name.
BOTOCORE_READS_MORE = {
    "Profile names support alphanumeric characters and - / . % @ _ : +",
    "Invalid profile names are ignored.",
}

Sections = dict[str, dict[str, Any]]


class Read:
    """What the program says of two files."""

    def __init__(self, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [TOOL], env=environment, capture_output=True, text=True, check=True
        )
        self.error = ""
        self.chosen = ""
        self.paths: list[str] = []
        self.sections: dict[str, Sections] = {
            "profile": {},
            "sso-session": {},
            "services": {},
        }
        for line in done.stdout.splitlines():
            verb, *words = line.split()
            texts = [
                bytes.fromhex(word).decode() if word != "-" else "" for word in words
            ]
            self.take(verb, texts)

    def take(self, verb: str, texts: list[str]) -> None:
        """Take one line; what is there already came from the file that counts."""
        if verb == "error":
            (self.error,) = texts
        elif verb == "chosen":
            (self.chosen,) = texts
        elif verb == "path":
            self.paths = texts
        elif verb == "file":
            self.file: dict[str, Sections] = {kind: {} for kind in self.sections}
        elif verb == "end":
            for kind, sections in self.file.items():
                for name, values in sections.items():
                    mine = self.sections[kind].setdefault(name, {})
                    mine.update({k: v for k, v in values.items() if k not in mine})
        else:
            values = self.file[verb].setdefault(texts[0], {})
            if len(texts) == 3:
                values[texts[1]] = texts[2]
            elif len(texts) == 4:
                nested = values[texts[1]] or {}
                values[texts[1]] = {**nested, texts[2]: texts[3]}


def raw(value: Any) -> str:
    """Word a nested value as the vectors do: its lines, each after a line feed."""
    if isinstance(value, str):
        return value
    return "".join(f"\n{key} = {of}".rstrip() for key, of in value.items())


def read(folder: Path, case: dict[str, str]) -> Read:
    """Read the files of a case."""
    environment = {"HOME": str(folder)}
    for key, variable in (
        ("configFile", "AWS_CONFIG_FILE"),
        ("credentialsFile", "AWS_SHARED_CREDENTIALS_FILE"),
    ):
        file = folder / key
        file.unlink(missing_ok=True)
        if key in case:
            file.write_bytes(case[key].encode())
        environment[variable] = str(file)
    return Read(environment)


# How an error of the vectors begins, and what we say.
ERRORS = {
    "Profile definition must end with ']'": "no ] ends",
    "Expected a profile definition": "no [SECTION]",
    "Property did not have a name": "no KEY stands",
    "Expected an '=' sign defining a property": "neither [SECTION] nor KEY = VALUE",
    "Expected a property definition": "neither [SECTION] nor KEY = VALUE",
    "Expected an '=' sign defining a sub-property": "no = in a nested",
    "Sub-property did not have a name": "no KEY stands before the nested",
}


def agrees(got: Read, output: dict[str, Any]) -> bool:
    """Judge a case."""
    if "errorContaining" in output:
        said, _, _ = output["errorContaining"].partition(",")
        return ERRORS[said] in got.error
    want = output["config"]
    return not got.error and all(
        {
            name: {key: raw(value) for key, value in values.items()}
            for name, values in got.sections[ours].items()
        }
        == want[theirs]
        for ours, theirs in (("profile", "profiles"), ("sso-session", "sso_sessions"))
        if theirs in want
    )


def test_profile_files_are_read_as_published(tmp_path: Path) -> None:
    tests = json.loads((DATA / "profile-parser-tests.json").read_text())["tests"]
    assert len(tests) >= 65
    differ = {
        test["name"]
        for test in tests
        if not agrees(read(tmp_path, test["input"]), test["output"])
    }
    assert differ == set(BOTOCORE_READS_MORE)


def test_files_and_profile_are_found_as_published() -> None:
    tests = json.loads((DATA / "file-location-tests.json").read_text())["tests"]
    ours = [test for test in tests if test["platform"] == "linux"]
    assert len(ours) >= 4
    for test in ours:
        got = Read(test["environment"])
        assert got.paths == [test["credentialsLocation"], test["configLocation"]]
        assert got.chosen == test.get("profile", "default"), test["name"]


# Where the vectors and botocore say different things, and what we do.
BOTOCORE_DIFFERS = {
    # A comment behind a value: botocore takes it for a part of the value.
    "Pound sign comments are ignored.",
    "Semicolon sign comments are ignored.",
    "All comment types can be used together.",
    "Comments can be empty.",
    # A section or key that is there twice: botocore refuses the file.  We merge
    # them, as the vectors do.
    "Duplicate profiles in the same file merge properties.",
    "Duplicate properties in a profile use the last one defined.",
    "Duplicate properties in duplicate profiles use the last one defined.",
    "Duplicate properties in duplicate profiles use the last one defined"
    " (case insensitive).",
    "Default profiles with mixed prefixes in the config file ignore the one"
    " without prefix when merging.",
    "Default profiles with mixed prefixes merge with credentials",
    # botocore takes the later of the two.  We read as the vectors, and where
    # that can choose who signs refuse to (test_credentials.py).
    "Default profile with profile prefix overrides default profile without prefix"
    " when profile prefix is first.",
    # ':' parts a key from its value, too, for botocore.  We refuse the line.
    "Property definitions must contain an equals sign.",
    # botocore takes no blanks around a section's name.
    "profile name with extra whitespace",
    "profile name with extra whitespace in credentials",
    # [profile foo] is a profile "profile foo" for botocore.
    "Credentials profiles with prefix are ignored.",
    # botocore allows an empty name of a nested key.
    "Sub-property definitions cannot have an empty name.",
    # No key of ours has a blank in it: we drop what botocore keeps.
    "Invalid property names are ignored.",
}


def botocore_reads(folder: Path) -> Sections | None:
    """Read the same two files with botocore, the credentials file over the other."""
    profiles: Sections = {}
    try:
        if (folder / "configFile").exists():
            profiles = load_config(str(folder / "configFile"))["profiles"]
        if (folder / "credentialsFile").exists():
            for name, values in raw_config_parse(
                str(folder / "credentialsFile")
            ).items():
                profiles.setdefault(name, {}).update(values)
    except ConfigParseError:
        return None
    return profiles


def test_botocore_reads_the_same(tmp_path: Path) -> None:
    tests = json.loads((DATA / "profile-parser-tests.json").read_text())["tests"]
    differ = set()
    for test in tests:
        got = read(tmp_path, test["input"])
        profiles = None if got.error else got.sections["profile"]
        if profiles != botocore_reads(tmp_path):
            differ.add(test["name"])
    assert differ == BOTOCORE_DIFFERS
