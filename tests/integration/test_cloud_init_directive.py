# SPDX-License-Identifier: Apache-2.0
"""The directive sqs_entropy: what is valid, and how it is written for libconfuse."""

from __future__ import annotations

import base64
import os
import re
import string
from pathlib import Path
from typing import Any

import jsonschema

from aid import directives
from aid.directives import BAD, FOLDER, GOOD, SECRET, key, yaml_value
from aid.programs import AGENT, Runner

cc = directives.load("cc_sqs_entropy")
judge = jsonschema.Draft4Validator(directives.schema())


def accepted_by_schema(value: Any) -> bool:
    return judge.is_valid({"sqs_entropy": value})


def test_good_directives_are_valid() -> None:
    for text in GOOD:
        value = yaml_value(text)
        assert cc.validate(value) == [], text
        assert accepted_by_schema(value), text


def test_a_bad_directive_is_told_by_its_key() -> None:
    for text, begin in BAD:
        value = yaml_value(text)
        found = cc.validate(value)
        assert len(found) == 1, (text, found)
        assert found[0].startswith(f"sqs_entropy{begin}"), (text, found)
        # A line of a log, whatever the user wrote.
        assert re.fullmatch(r"[ -~]{1,600}", found[0]), (text, found)
        assert not accepted_by_schema(value), text


def test_every_error_is_told_at_once() -> None:
    value = yaml_value("{messages: 11, timeout: 0, quue: x, 5: y, required: true}")
    assert [line.split(":")[0] for line in cc.validate(value)] == [
        "sqs_entropy.messages",
        "sqs_entropy.timeout",
        "sqs_entropy.quue",
        "sqs_entropy[5]",
    ]
    assert cc.validate(value)[0] == "sqs_entropy.messages: 11 is not from 1 to 10"


def test_huge_numbers_get_an_error_that_can_be_shown() -> None:
    assert cc.validate({"unsigned_bits_per_byte": float("nan")}) != []
    for name in "messages", "timeout", "unsigned_bits_per_byte", "queue", "required":
        for number in (1 << 20_000, -1 << 20_000):
            [error] = cc.validate({name: number})
            assert error.startswith(f"sqs_entropy.{name}: ")
            assert len(error) < 200


def test_secrets_are_not_shown() -> None:
    for value in (
        f"sqs-entropy-ed25519-secret {SECRET}",
        f"sqs-entropy-x25519-secret {SECRET}",
        SECRET,
        f"sqs-entropy-ed25519 {SECRET[:-4]}",
        f"sqs-entropy-ed25519 {SECRET}\n",
    ):
        [error] = cc.validate({"trusted_producers": [value]})
        assert SECRET[:12] not in error
        [error] = cc.validate({"trusted_producers": value})
        assert SECRET[:12] not in error
        for seal_key in value, [value], f"/{value}\n":
            [error] = cc.validate({"seal_key": seal_key})
            assert SECRET[:12] not in error


def test_values_that_refer_to_themselves_are_refused() -> None:
    for text in ("&a [*a]", "{queue: &a [*a]}", "&a {trusted_producers: [*a]}"):
        assert cc.validate(yaml_value(text)) != []
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert cc.validate({"queue": deep}) != []
    while deep:  # by hand, because collecting it would recurse
        deep = deep.pop()


def test_the_schema_is_valid_and_has_every_key() -> None:
    jsonschema.Draft4Validator.check_schema(directives.schema())
    listed = directives.schema()["properties"]["sqs_entropy"]["properties"]  # type: ignore[index]
    assert set(listed) == set(cc.KEYS)


def test_every_character_of_a_key_is_judged() -> None:
    good = key(7)
    alphabet = string.ascii_letters + string.digits + "+/"
    for at in range(len(good)):
        for other in "A/=- \u00c4\u212a":
            changed = good[:at] + other + good[at + 1 :]
            text = changed[20:64]
            is_key = changed[:20] == good[:20] and set(text[:43]) <= set(alphabet)
            is_key &= text[43:] == "=" and len(changed) == 64
            if is_key:
                is_key = base64.b64encode(base64.b64decode(text)).decode() == text
            assert (cc.key_line(changed) is None) is is_key, changed


def test_the_agent_takes_each_good_directive(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "agent.conf"
    # One that is set would exclude the directive's own wishes.
    env = {**run.env, "AWS_ENDPOINT_URL_SQS": ""}
    for text in GOOD:
        file.write_text(cc.configuration(yaml_value(text)), encoding="utf-8")
        got = run(AGENT, "--check", "-c", file, env=env)
        # It opens these two, which are not there, by the names that are meant.
        for key_of, word in ("seal_key", "key file"), ("ca_bundle", "CA bundle"):
            path = yaml_value(text).get(key_of, "")
            if path[:1] == "/" and not os.path.exists(path):  # noqa: PTH110 (too long a one)
                assert f"{word} {path[:300]}" in got.err, (text, got.err)
                break
        else:
            assert got.code == 0, (text, file.read_text(), got.err)
            continue
        assert got.code == 78


def shown_by_agent(run: Runner, tmp_path: Path, value: str) -> str:
    """The value as the agent read it, taken from its complaint about that value."""
    file = tmp_path / "agent.conf"
    file.write_text(f"queue = {cc.quoted(value)}\nregion = eu-west-1\n", "utf-8")
    got = run(AGENT, "-c", file, "-o", "-")
    found = re.search(r'queue "(.*)" is n(o queue name|ot a queue\'s URL)', got.err)
    assert found is not None, (value, got.err)
    return found.group(1)


def test_quoting_survives_libconfuse(run: Runner, tmp_path: Path) -> None:
    for value in (
        '"',
        '\\"',
        "\\",
        "a\\",
        'a\\"',
        "\\\\\\",
        "\\n\\t\\x41\\101",
        "${HOME}",
        "$${HOME}",
        "\\${HOME}",
        "${HOME:-x}",
        "$(id)`id`",
        "'",
        "'\"'\"'",
        "# no comment",
        "a = b",
        "/* no comment */ // none",
        "x;{}()[],+=",
        "\u00e9\u65e5\u672c\U0001f511",
        "\u2028\u00a0",
        "a" + 60 * '"',
        "".join(map(chr, range(0x20, 0x7F))),
    ):
        assert shown_by_agent(run, tmp_path, value) == value


def test_numbers_are_written_as_the_agent_reads_them() -> None:
    for value, text in ((1e-9, "0.000000"), (8, "8"), (7.5, "7.500000"), (0.0, None)):
        assert cc.written(value) == (text or "0.000000")


def test_examples_are_valid() -> None:
    names = {path.name for path in (FOLDER / "examples").iterdir()}
    assert names == {
        "directive.yaml",
        "cloud.cfg.d-example.cfg",
        "install.txt",
        "random_seed.yaml",
        "raspberry-pi.yaml",
        "user-data.txt",
    }
    for name in ("directive.yaml", "cloud.cfg.d-example.cfg"):
        value = yaml_value((FOLDER / "examples" / name).read_text())
        assert list(value) == ["sqs_entropy"]
        assert cc.validate(value["sqs_entropy"]) == []
        assert judge.is_valid(value)
    for name in ("install.txt", "user-data.txt"):
        hook = (FOLDER / "examples" / name).read_text()
        value = yaml_value(hook.split("<<'END'\n")[1].split("END\n")[0])
        assert cc.validate(value["sqs_entropy"]) == []


def test_the_example_for_a_pi_is_accepted(run: Runner) -> None:
    value = yaml_value((FOLDER / "examples/raspberry-pi.yaml").read_text())
    ((shell, options, script),) = value["runcmd"]
    assert options == "-euc"
    assert run(f"/bin/{shell}", "-n", "-c", script).code == 0
    call, answers = script.split("sqs-entropy-producer --yes")[1].split("<<'END'")
    words = call.replace("\\\n", "").split()
    assert words == ["--setup", "arn:aws:sqs:eu-west-1:123456789012:entropy"]
    # In the order in which it asks; the third is a token, which there is none of.
    assert answers.splitlines()[1] == "key"
    assert answers.splitlines()[4:] == ["", "END"]


def test_examples_in_the_readme_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.S)
    found = [yaml_value(block) for block in blocks]
    values = [value["sqs_entropy"] for value in found if "sqs_entropy" in value]
    assert values
    for value in values:
        assert cc.validate(value) == []


def test_the_readme_names_every_key() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [name for name in cc.KEYS if f"| `{name}` |" not in text] == []
