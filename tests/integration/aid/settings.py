# SPDX-License-Identifier: Apache-2.0
"""A program's table of settings, and every other place that has to agree with it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[3]
RANGE = re.compile(r"(\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Setting:
    """One row, as tests/programs/settings.c prints it."""

    name: str
    kind: str
    option: bool = False
    file: bool = False
    credential: bool = False
    directive: bool = False
    min: float = 0
    max: float = 0
    size: int = 0
    letter: str | None = None
    value: str | None = None  # what --help calls the option's value
    help: str | None = None
    initial: str | None = None
    undoes: str | None = None
    belongs_to: str | None = None
    unless: str | None = None  # what it gives way to
    choices: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: dict[str, Any]) -> Setting:
        """From the JSON."""
        return cls(**{**values, "choices": tuple(values["choices"])})

    @property
    def is_number(self) -> bool:
        """Whether it has a range."""
        return self.kind in ("long", "double")

    @property
    def is_text(self) -> bool:
        """Whether it is a text, or several."""
        return self.kind in ("string", "list")

    @property
    def text_size(self) -> int:
        """Bytes of one text, with its NUL."""
        return self.size // int(self.max) if self.kind == "list" else self.size

    @property
    def always(self) -> bool:
        """Whether --check shows it when nobody has set it."""
        return self.initial is not None or not self.is_number

    @property
    def directive_name(self) -> str:
        """What cloud-init's directive calls it."""
        return self.name.replace("-", "_")

    @property
    def flags(self) -> list[str]:
        """The option, long and short."""
        return [f"--{self.name}"] + ([f"-{self.letter}"] if self.letter else [])

    @property
    def may_lack(self) -> bool:
        """Whether its value, one of some words, may be left out."""
        return self.value is not None and self.value.startswith("[=")

    def good(self) -> list[str]:
        """Values at the edges of what is allowed."""
        if self.is_number:
            return [f"{self.min:.10g}", f"{self.max:.10g}"]
        if self.kind == "choice":
            return list(self.choices)
        if self.kind == "switch":
            return ["true", "false", ""]
        return ["x" * (self.text_size - 1)] if self.is_text else []

    def bad(self) -> list[str]:
        """Values just beyond the edges."""
        if self.is_number:
            step = 1 if self.kind == "long" else 0.01
            return [f"{self.min - step:.10g}", f"{self.max + step:.10g}", "some"]
        if self.kind == "choice":
            return ["", "x" + self.choices[0]]
        if self.kind == "switch":
            return ["yes", "1", "truer"]
        return ["x" * self.text_size, "a\tb"] if self.is_text else []


@dataclass(frozen=True)
class Table:
    """All settings of a program."""

    program: str
    file: str  # the configuration file
    settings: tuple[Setting, ...]

    @classmethod
    def of(cls, build: Path, name: str) -> Table:
        """The table of the built agent or producer."""
        path = build / "tests" / "programs" / f"settings_{name}"
        text = subprocess.run([path], check=True, capture_output=True).stdout
        values = json.loads(text)
        rows = tuple(map(Setting.read, values["settings"]))
        return cls(values["name"], values["file"], rows)

    def names(self, layer: str) -> set[str]:
        """The settings that a layer may set."""
        return {row.name for row in self.settings if getattr(row, layer)}


def same(stated: str, expected: str) -> bool:
    """Whether a text says the value, whatever its quotes or decimals."""
    stated = stated.strip("`\"'(),;").rstrip(".")
    try:
        return float(stated) == float(expected)
    except ValueError:
        return stated == expected


def range_faults(row: Setting, text: str) -> Iterator[str]:
    """A range that is missing or another one."""
    if not row.is_number:
        return
    found = RANGE.search(text)
    if found is None:
        yield "no range"
    elif [float(x) for x in found.groups()] != [row.min, row.max]:
        yield f"the range {found.group()}"


# Texts: each function makes the entries of a place, by the names of settings.


def in_help(text: str) -> dict[str, str]:
    """Options that --help lists: "-m N: take up to N messages, 1-10 (1)"."""
    found: dict[str, str] = {}
    name = ""
    option = re.compile(r"  (?:(-.), |    )--([a-z-]+)(?: (\S+)|(\[=\S+))?  ?\s*(\S.*)")
    for line in text.splitlines():
        if begin := option.fullmatch(line):
            letter, name, value, own, words = begin.groups()
            found[name] = f"{letter or ''} {value or own or ''}: {words}"
        elif name and line.startswith(" " * 26):
            found[name] += " " + line.strip()
    return found


def help_entry(row: Setting) -> str:
    """What --help has to say."""
    letter = f"-{row.letter}" if row.letter else ""
    text = f"{letter} {row.value or ''}: {row.help}"
    if row.is_number:
        text += f", {row.min:.10g}-{row.max:.10g}"
    if row.kind == "list":
        text += f"; up to {row.max:.0f} times"
    return text + (f" ({row.initial})" if row.initial else "")


def plain(lines: list[str]) -> str:
    """The words of some mdoc."""
    words = [re.sub(r"^\.[A-Z][a-z] ", "", line) for line in lines]
    return " ".join(words).replace(r"\&", "")


def items(mdoc: str) -> list[tuple[str, str]]:
    """Heads and words of the first list's entries; lists in them are words."""
    found: list[tuple[str, list[str]]] = []
    depth = 0
    for line in mdoc.splitlines():
        depth += line.startswith(".Bl")
        if line.startswith(".It") and depth == 1:
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
        depth -= line.startswith(".El")
        if line.startswith(".El") and depth == 0:
            break
    return [(head, plain(words)) for head, words in found]


def in_options_page(mdoc: str) -> dict[str, str]:
    """Options that the manual page of section 8 lists."""
    found = {}
    for head, words in items(mdoc.split("The options are as follows.")[1]):
        name = re.search(r"Fl -([a-z-]+)", head)
        assert name, head
        found[name.group(1)] = f"{head}\n{words}"
    return found


def in_keys_page(mdoc: str) -> dict[str, str]:
    """Keys that the manual page of section 5 lists."""
    listed = items(mdoc.split(".Sh DESCRIPTION")[1])
    return {head.split()[2]: words for head, words in listed}


def in_synopsis(mdoc: str) -> set[str]:
    """Letters and long names of the synopsis."""
    text = re.split(r"^\.Sh .*\n", mdoc, flags=re.M)[2]
    found: set[str] = set()
    for words in re.findall(r"Fl ((?:[A-Za-z-]+(?: \| )?)+)", text):
        for word in words.split(" | "):
            found |= {word[1:]} if word.startswith("-") else set(word)
    return found


def in_credentials(mdoc: str) -> set[str]:
    """Credentials of the service that the page of section 8 names."""
    environment = items(mdoc.split(".Sh ENVIRONMENT")[1])
    [text] = [words for head, words in environment if "CREDENTIALS_DIR" in head]
    return set(re.findall(r"A non-empty file (\S+)", text))


def in_example(text: str) -> dict[str, str]:
    """Keys of a commented configuration, with VALUE, line feed and comment."""
    found = {}
    comment = ""
    for line in text.splitlines():
        if key := re.fullmatch(r"#([a-z-]+) = (.*)", line):
            found[key.group(1)] = f"{key.group(2)}\n{comment}"
        comment = f"{comment} {line[1:].strip()}" if line else ""
    return found


def in_readme(text: str) -> dict[str, str]:
    """Keys of the directive in cloud-init/README.md: "what is | the default"."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M)
    return dict(rows)


# What is wrong with an entry, in words.


def page_faults(row: Setting, text: str) -> Iterator[str]:
    """Range, choices and default of an entry in a manual page."""
    yield from range_faults(row, text)
    for choice in row.choices:
        if f'Cm "{choice}"' not in text:
            yield f"no choice {choice}"
    default = re.search(r"[Tt]he default is (\S+?)[.,]?(?:\s|$)", text)
    if row.kind == "choice":
        listed = text.split('Cm "')[1:]
        told = [part.split('"')[0] for part in listed if "is the default" in part]
        if told != [row.initial]:
            yield f"the default {told}"
    elif row.initial is not None and default is None:
        yield "no default"
    elif row.initial is not None and not same(default.group(1), row.initial):
        yield f"the default {default.group(1)}"


def option_faults(row: Setting, text: str) -> Iterator[str]:
    """The entry of an option."""
    head = text.partition("\n")[0]
    if row.letter and f"Fl {row.letter} ," not in head:
        yield f"no -{row.letter}"
    values = " Ar " in head, "= Ns Cm " in head
    if values != (bool(row.value) and not row.may_lack, row.may_lack):
        yield "another value"
    yield from page_faults(row, text)


def example_faults(row: Setting, text: str) -> Iterator[str]:
    """The entry of an example."""
    value, _, comment = text.partition("\n")
    yield from range_faults(row, comment)
    if row.initial is not None and not same(value, row.initial):
        yield f"the value {value}"
    for choice in row.choices:
        if f'"{choice}"' not in comment:
            yield f"no choice {choice}"


def readme_faults(row: Setting, text: str) -> Iterator[str]:
    """The row of cloud-init's README."""
    what, default = text.split(" | ")
    yield from range_faults(row, what)
    initial = "false" if row.kind == "flag" else row.initial
    if initial is not None and not same(default, initial):
        yield f"the default {default}"
    for choice in row.choices:
        if f"`{choice}`" not in what:
            yield f"no choice {choice}"
    if row.kind in ("keys", "list") and f"up to {row.max:.0f} " not in what:
        yield f"another number of {row.kind}"


def schema_of(row: Setting) -> dict[str, Any]:
    """What the schema has to say about a setting."""
    types = {"long": "integer", "double": "number"}
    types |= dict.fromkeys(("flag", "switch"), "boolean")
    read = {"long": int, "double": float}.get(row.kind, str)
    wanted: dict[str, Any] = {}
    if row.kind in types:
        wanted["type"] = types[row.kind]
    if row.is_number:
        wanted |= {"minimum": row.min, "maximum": row.max}
    if row.kind == "choice":
        wanted["enum"] = list(row.choices)
    if row.initial is not None:
        wanted["default"] = read(row.initial)
    if row.kind == "flag":
        wanted["default"] = False
    if row.kind == "keys":
        wanted |= {"type": "array", "maxItems": row.max}
    if row.kind == "list":
        wanted["maxItems"] = row.max
    return wanted


def schema_faults(row: Setting, found: dict[str, Any]) -> Iterator[str]:
    """The property of the schema."""
    for name, value in schema_of(row).items():
        told = found.get(name)
        if told != value or isinstance(told, bool) != isinstance(value, bool):
            yield f"{name} {told}"
    if row.kind != "string":
        return
    # A character of a path may take four bytes; the others are ASCII.
    per = 4 if re.match(r"\^\(?/", found.get("pattern", "")) else 1
    longest = (row.size - 1) // per if row.size else row.max
    if (found.get("type"), found.get("maxLength")) != ("string", longest):
        yield f"maxLength {found.get('maxLength')}"


def typed(row: Setting, text: str) -> Any:
    """A value as YAML has it."""
    try:
        return {"long": int, "double": float}.get(row.kind, str)(text)
    except ValueError:
        return text


def checker_faults(row: Setting, validate: Callable[[Any], list[str]]) -> Iterator[str]:
    """What cloud-init's module accepts."""
    name = row.directive_name
    if row.kind in ("flag", "switch"):
        good, bad = [True, False], ["yes", 1]
    elif row.kind == "keys":
        good, bad = [[]], [["x"], [""] * int(row.max + 1)]
    else:
        # The text of a string has a form of its own.
        known = [] if row.is_text else row.good()
        good = [typed(row, text) for text in known]
        bad = [typed(row, text) for text in row.bad()]
    for value in good:
        if validate({name: value}):
            yield f"{value!r:.40} is refused"
    for value in bad:
        if not validate({name: value}):
            yield f"{value!r:.40} is accepted"


# The comparison itself.


def compare(
    rows: list[Setting],
    found: dict[str, Any],
    place: str,
    faults: Callable[[Setting, Any], Iterator[str]],
    name_of: Callable[[Setting], str] = lambda row: row.name,
) -> Iterator[str]:
    """Both ways: what the place lacks, what it says wrong, what it has too much."""
    for row in rows:
        if name_of(row) not in found:
            yield f"{row.name}: not in {place}"
            continue
        for fault in faults(row, found[name_of(row)]):
            yield f"{row.name}: {fault} in {place}"
    for name in sorted(set(found) - {name_of(row) for row in rows}):
        yield f"{name}: in {place}, not in the table"


@dataclass(frozen=True)
class Places:
    """Where a program's settings are, beside its table."""

    name: str  # agent or producer
    help: str
    ask: Callable[..., Any]  # runs the program: code, out, err
    scratch: Path

    def text(self, path: str) -> str:
        """A file of the repository."""
        return (ROOT / path).read_text(encoding="utf-8")

    def documents(self, table: Table) -> Iterator[str]:
        """What --help, manual pages and the example say."""
        options = [row for row in table.settings if row.option]
        keys = [row for row in table.settings if row.file]
        page = f"{self.name}/man/{table.program}"
        yield from compare(
            options,
            in_help(self.help),
            "--help",
            lambda row, said: [f"{said!r}"] if said != help_entry(row) else [],
        )
        mdoc = self.text(f"{page}.8")
        yield from compare(options, in_options_page(mdoc), f"{page}.8", option_faults)
        yield from compare(
            keys,
            in_keys_page(self.text(f"{page}.conf.5")),
            f"{page}.conf.5",
            page_faults,
        )
        example = f"{self.name}/{self.name}.conf"
        yield from compare(
            keys, in_example(self.text(example)), example, example_faults
        )
        named = {row.letter or row.name: row for row in options}
        for missing in sorted(set(named) ^ in_synopsis(mdoc)):
            name = named[missing].name if missing in named else missing
            yield f"{name}: differs in the synopsis of {page}.8"
        for name in sorted(table.names("credential") ^ in_credentials(mdoc)):
            yield f"{name}: differs among the credentials of {page}.8"

    def directive(self, table: Table, module: Any, schema: Any) -> Iterator[str]:
        """What cloud-init's schema, module and README say."""
        rows = [row for row in table.settings if row.directive]
        properties = {
            name: {**resolve(schema, entry), **entry}
            for name, entry in schema["properties"]["sqs_entropy"]["properties"].items()
        }

        def name_of(row: Setting) -> str:
            return row.directive_name

        yield from compare(
            rows, properties, "cloud-init/schema.json", schema_faults, name_of
        )
        yield from compare(
            rows,
            dict.fromkeys(module.KEYS, module.validate),
            "cloud-init/cc_sqs_entropy.py",
            checker_faults,
            name_of,
        )
        yield from compare(
            rows,
            in_readme(self.text("cloud-init/README.md")),
            "cloud-init/README.md",
            readme_faults,
            name_of,
        )

    def parser(self, table: Table) -> Iterator[str]:
        """What the program takes from its command line and its file."""
        for row in table.settings:
            if row.option:
                yield from self.option_faults(row)
            if row.file:
                yield from self.file_faults(row)
        listed = in_check(self.check([]).out)
        for row in table.settings:
            value, origin = listed.get(row.name, ("", ""))
            if origin == "default" and not same(value, row.initial or ""):
                yield f"{row.name}: the default {value} in --check"
        defaults = {row.name for row in table.settings if row.initial is not None}
        shown = {
            row.name
            for row in table.settings
            if row.file and row.always and row.unless not in defaults
        }
        for name in sorted(set(listed) ^ shown):
            yield (
                f"{name}: in --check, not in the table"
                if name in listed
                else f"{name}: not in --check"
            )

    def check(self, args: list[str], text: str = "") -> Any:
        """--check with these options and this configuration."""
        path = self.scratch / "settings.conf"
        path.write_text(text, encoding="utf-8")
        queue = [] if text.startswith("queue ") else ["--queue", "q"]
        return self.ask("--check", "-c", path, *queue, *args)

    def option_faults(self, row: Setting) -> Iterator[str]:
        """An option that is not taken, or takes what it may not."""
        new = str(self.scratch / "new")
        for flag in row.flags:
            if row.kind == "action":
                args = [flag] + ([new] if row.value else [])
                Path(new).unlink(missing_ok=True)
                if self.ask(*args).code == 64:
                    yield f"{row.name}: not in the option parser ({flag})"
                continue
            for value in row.good() or ([new] if row.value else [None]):
                word = f"{flag}={value}" if row.may_lack else value
                args = [flag] if value is None else [flag, word]
                got = self.check(args[1:] if row.may_lack else args)
                stray = f"belongs to {row.belongs_to}\n" in got.err
                if got.code == 64 and not stray:
                    yield f"{row.name}: not in the option parser ({flag} {value!s:.20})"
                elif row.file and got.code == 0:
                    yield from printed_faults(row, value, "option", got.out)
            for value in row.bad():
                if self.check([flag, value]).code != 64:
                    yield f"{row.name}: {flag} {value!r:.20} is accepted"

    def file_faults(self, row: Setting) -> Iterator[str]:
        """A key that is not taken, or takes what it may not."""
        begin = f"{self.scratch / 'settings.conf'}:1"
        for value in row.good():
            got = self.check([], f'{row.name} = "{value}"\n')
            if f"{begin}: " in got.err:
                yield f"{row.name}: not in the file ({value!s:.20})"
            elif got.code == 0:
                yield from printed_faults(row, value, begin, got.out)
        for value in row.bad():
            got = self.check([], f'{row.name} = "{value}"\n')
            if got.code != 78 or f"{begin}: {row.name}: " not in got.err:
                yield f"{row.name}: {value!r:.20} in the file is accepted"


def resolve(schema: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """What a property refers to."""
    name = entry.get("$ref", "").rpartition("/")[2]
    return schema["definitions"][name] if name else {}


def in_check(out: bytes) -> dict[str, tuple[str, str]]:
    """Value and origin of each setting that --check prints."""
    found = re.findall(r"^(\S+) = (.*)  # (.*)$", out.decode(), re.M)
    return {name: (value.strip('"'), origin) for name, value, origin in found}


def printed_faults(
    row: Setting, value: str | None, origin: str, out: bytes
) -> Iterator[str]:
    """What --check prints for a value that was given."""
    told = in_check(out).get(row.name)
    if told is None:
        yield f"{row.name}: not in --check"
    elif told[1] != origin or not same(told[0], value or ""):
        yield f"{row.name}: {told[0]:.20} by {told[1]} in --check"
