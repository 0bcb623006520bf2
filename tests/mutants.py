# SPDX-License-Identifier: Apache-2.0
"""Mutants of C for tests/mutation: small changes that a test should notice.

libclang tells where each expression begins and ends.  universalmutator, which
changes lines by regular expressions, was tried: of a file of 115 lines it made 756
mutants, most of which do not compile, and none that removes a call of two lines.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clang.cindex import Cursor, CursorKind, Index, TranslationUnit, TypeKind

ROOT = Path(__file__).resolve().parents[1]
SWAPS = {
    "boundary": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
    "comparison": {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="},
    "arithmetic": {
        "+": "-",
        "-": "+",
        "*": "/",
        "/": "*",
        "%": "/",
        "<<": ">>",
        ">>": "<<",
        "&": "|",
        "|": "&",
        "^": "&",
        "+=": "-=",
        "-=": "+=",
        "|=": "&=",
        "&=": "|=",
        "*=": "/=",
        "/=": "*=",
        "<<=": ">>=",
        ">>=": "<<=",
        "^=": "|=",
    },
    "logical": {"&&": "||", "||": "&&"},
}
OPERATORS = {
    "boundary": "`<` for `<=` and the like, `sizeof` one more or less",
    "comparison": "`==` for `!=`, `<` for `>=`",
    "arithmetic": "`+` for `-`, _and_ for _or_ of bits, an operand left out",
    "logical": "`&&` for _or_, an operand left out",
    "condition": "a condition negated",
    "removed": "a call, an assignment, a `break` or a row of a table removed",
    "wipe": "a call that wipes removed",
    "ignored": "what a call returned ignored",
    "constant": "a number one more or less, another name of the same enum",
    "returned": "another value returned",
}
LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$")
BINARY = (CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR)
JUMPS = (CursorKind.BREAK_STMT, CursorKind.CONTINUE_STMT)
# Which of a cursor's children are statements.
BODIES = {
    CursorKind.COMPOUND_STMT: slice(None),
    CursorKind.FOR_STMT: slice(-1, None),
    CursorKind.IF_STMT: slice(1, None),
    CursorKind.WHILE_STMT: slice(1, None),
    CursorKind.CASE_STMT: slice(1, None),
}
WRAPPING = (CursorKind.UNEXPOSED_EXPR, CursorKind.PAREN_EXPR)


@dataclass
class Mutant:
    """One change of one file."""

    file: str
    operator: str
    start: int
    end: int
    line: int
    old: str
    new: str
    text: str  # of the line
    function: str = ""
    twin: int = 0  # how many like it stand before it in the function

    @property
    def key(self) -> tuple:
        """What it is, wherever in its file it stands."""
        what = self.operator, self.text, self.old, self.new
        return self.file, self.function, *what, self.twin


def strip(cursor: Cursor) -> Cursor:
    """Look through casts and parentheses."""
    while cursor.kind in (*WRAPPING, CursorKind.CSTYLE_CAST_EXPR):
        inner = [c for c in cursor.get_children() if c.kind.is_expression()]
        if not inner:
            break
        cursor = inner[-1]
    return cursor


class Source:
    """A file, and its mutants."""

    def __init__(self, file: str, flags: list[str]) -> None:
        self.file = file
        self.bytes = (ROOT / file).read_bytes()
        self.unit = Index.create().parse(
            file, flags, options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
        )
        errors = [str(d) for d in self.unit.diagnostics if d.severity > 2]
        if errors:
            sys.exit(f"mutation: {errors[0]}")

    def text(self, start: int, end: int) -> str:
        """What stands there."""
        return self.bytes[start:end].decode()

    def of(self, cursor: Cursor) -> str:
        """What stands where the cursor is."""
        return self.text(cursor.extent.start.offset, cursor.extent.end.offset)

    def change(self, operator: str, where: Cursor | tuple, new: str) -> Mutant:
        """Change what is there."""
        if isinstance(where, Cursor):
            where = (where.extent.start.offset, where.extent.end.offset)
        start, end = where
        line = self.bytes.count(b"\n", 0, start) + 1
        text = self.bytes.split(b"\n")[line - 1].decode().strip()
        old = self.text(start, end)
        return Mutant(self.file, operator, start, end, line, old, new, text)

    def mutants(self) -> Iterator[Mutant]:
        """All of the file."""
        for cursor in self.unit.cursor.get_children():
            at = cursor.location.file
            if at is not None and at.name == self.file:
                if cursor.kind == CursorKind.MACRO_DEFINITION:
                    yield from self.macro(cursor)
                elif cursor.kind != CursorKind.MACRO_INSTANTIATION:
                    self.result = cursor.result_type.get_canonical().kind
                    for mutant in self.walk(cursor):
                        mutant.function = cursor.spelling
                        yield mutant

    def macro(self, cursor: Cursor) -> Iterator[Mutant]:
        """A constant, or one of several flags."""
        for match in re.finditer(r"\b\d+\b|\w+\s*\|(?!\|)[\s\\]*", self.of(cursor)):
            start = cursor.extent.start.offset + match.start()
            where = (start, start + len(match[0]))
            if match[0].isdigit():
                yield self.change("constant", where, str(int(match[0]) + 1))
            else:
                yield self.change("arithmetic", where, "")

    def walk(self, cursor: Cursor) -> Iterator[Mutant]:
        """A cursor and all below it."""
        children = list(cursor.get_children())
        kinds = {
            CursorKind.BINARY_OPERATOR: self.binary,
            CursorKind.COMPOUND_ASSIGNMENT_OPERATOR: self.binary,
            CursorKind.UNARY_OPERATOR: self.unary,
            CursorKind.INTEGER_LITERAL: self.literal,
            CursorKind.CXX_UNARY_EXPR: self.size,
            CursorKind.DECL_REF_EXPR: self.name,
            CursorKind.IF_STMT: self.condition,
            CursorKind.WHILE_STMT: self.condition,
            CursorKind.CONDITIONAL_OPERATOR: self.condition,
            CursorKind.RETURN_STMT: self.returned,
            CursorKind.INIT_LIST_EXPR: self.rows,
        }
        if cursor.kind in kinds:
            yield from kinds[cursor.kind](cursor, children)
        for statement in children[BODIES.get(cursor.kind, slice(0, 0))]:
            yield from self.statement(statement)
        for child in children:
            yield from self.walk(child)

    def literal(self, cursor: Cursor, _: list[Cursor]) -> Iterator[Mutant]:
        """One more and one less."""
        match = LITERAL.match(self.of(cursor))
        if not match:
            return
        number, suffix = match.groups()
        value = int(number, 8 if re.match("0[0-7]", number) else 0)
        for other in (value + 1, value - 1):
            if other >= 0:
                yield self.change("constant", cursor, f"{other}{suffix}")

    def size(self, cursor: Cursor, _: list[Cursor]) -> Iterator[Mutant]:
        """One byte more and one less."""
        for by in "+-" if self.of(cursor).startswith("sizeof") else "":
            yield self.change("boundary", cursor, f"({self.of(cursor)} {by} 1)")

    def binary(self, _: Cursor, children: list[Cursor]) -> Iterator[Mutant]:
        """Another operator, or one operand alone."""
        left, right = children
        where = left.extent.end.offset, right.extent.start.offset
        between = self.text(*where)
        for operator, swaps in SWAPS.items():
            if between.strip() in swaps:
                new = between.replace(between.strip(), swaps[between.strip()])
                yield self.change(operator, where, new)
        if between.strip() in ("&&", "||", "|"):
            operator = "arithmetic" if between.strip() == "|" else "logical"
            whole = left.extent.start.offset, right.extent.end.offset
            yield self.change(operator, whole, self.of(left))
            yield self.change(operator, whole, self.of(right))

    def unary(self, cursor: Cursor, _: list[Cursor]) -> Iterator[Mutant]:
        """! and counting."""
        text = self.of(cursor)
        if text.startswith("!"):
            yield self.change("condition", cursor, text[1:])
        elif "++" in text:
            yield self.change("arithmetic", cursor, text.replace("++", "--"))
        elif "--" in text:
            yield self.change("arithmetic", cursor, text.replace("--", "++"))

    def name(self, cursor: Cursor, _: list[Cursor]) -> Iterator[Mutant]:
        """Another constant of the enum."""
        target = cursor.referenced
        if target is None or target.kind != CursorKind.ENUM_CONSTANT_DECL:
            return
        names = [c.spelling for c in target.semantic_parent.get_children()]
        if self.of(cursor) == cursor.spelling and cursor.spelling in names:
            other = names[(names.index(cursor.spelling) + 1) % len(names)]
            yield self.change("constant", cursor, other)

    def condition(self, whole: Cursor, children: list[Cursor]) -> Iterator[Mutant]:
        """The opposite, or a call whose answer does not matter."""
        cursor, text = children[0], self.of(children[0])
        yield self.change("condition", cursor, f"!({text})")
        calls = (c for c in cursor.walk_preorder() if c.kind == CursorKind.CALL_EXPR)
        called = any(not c.spelling.startswith("__") for c in calls)
        if called and whole.kind == CursorKind.IF_STMT:
            yield self.change("ignored", cursor, f"(({text}), 0)")

    def returned(self, _: Cursor, children: list[Cursor]) -> Iterator[Mutant]:
        """Another value."""
        for cursor in children[:1]:
            text = self.of(cursor)
            if self.result == TypeKind.BOOL:
                yield self.change("returned", cursor, f"!({text})")
            elif self.result != TypeKind.POINTER:
                yield self.change("returned", cursor, "-1" if text == "0" else "0")
            elif text != "NULL":
                yield self.change("returned", cursor, "NULL")

    def statement(self, cursor: Cursor) -> Iterator[Mutant]:
        """Nothing in its place, or not what it returned."""
        inner = strip(cursor)
        if cursor.kind in JUMPS or inner.kind in (*BINARY, CursorKind.UNARY_OPERATOR):
            yield self.change("removed", cursor, "")
        elif inner.kind == CursorKind.CALL_EXPR:
            wipes = inner.spelling in ("explicit_bzero", "buf_free", "buf_clear")
            yield self.change("wipe" if wipes else "removed", cursor, "")
        if inner.kind == CursorKind.BINARY_OPERATOR:
            _, right = inner.get_children()
            if strip(right).kind == CursorKind.CALL_EXPR:
                yield self.change("ignored", cursor, f"(void)({self.of(right)})")

    def rows(self, _: Cursor, children: list[Cursor]) -> Iterator[Mutant]:
        """A row of a table is left out."""
        for child in children:
            end = child.extent.end.offset
            row = strip(child).kind in (
                *(CursorKind.INIT_LIST_EXPR, CursorKind.STRING_LITERAL),
                CursorKind.UNEXPOSED_EXPR,
            )
            if row and len(children) > 1 and self.text(end, end + 1) == ",":
                where = child.extent.start.offset, end + 1
                yield self.change("removed", where, "")


def parse_flags() -> list[str]:
    """What libclang has to know to read our files."""
    include = subprocess.run(
        ["cc", "-print-file-name=include"], capture_output=True, text=True, check=True
    ).stdout.strip()
    flags = (ROOT / "compile_flags.txt").read_text().split("\n")
    return [f for f in flags if f[:2] in ("-s", "-D", "-I")] + ["-isystem", include]


def draw(seed: str, parts_of: dict[str, int]) -> list[list[Mutant]]:
    """All mutants of each part in the order of chance.

    A change of the source moves none but those that it is about.
    """
    flags = parse_flags()
    parts: dict[str, dict[tuple, Mutant]] = {part: {} for part in parts_of}
    files: dict[str, str] = {}
    for part in parts_of:
        for path in sorted(ROOT.glob(part)):
            files.setdefault(str(path.relative_to(ROOT)), part)
    for file, part in files.items():
        for mutant in Source(file, flags).mutants():
            found = parts["wipe" if mutant.operator == "wipe" else part]
            while found.setdefault(mutant.key, mutant) is not mutant:
                mutant.twin += 1

    def chance(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    return [sorted(found.values(), key=chance) for found in parts.values()]
