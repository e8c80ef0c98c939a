"""A Python file that somebody wrote, to which something is added in its own style."""

import ast
import io
import re
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from liveops.startop.names import Binding, bindings

_BYTE_ORDER_MARK = "\ufeff"
_LINE_END = re.compile(r"\r\n|\n|\r")
_INDENT = re.compile(r"^([ \t]+)\S", re.M)


@dataclass(frozen=True)
class _Import:
    """An import at the top of a file.

    Attributes:
        module: what it imports from; empty for a relative one.
        is_standard: whether that is part of Python.
        first_line: its first line, from 1 on.
        last_line: its last one.
    """

    module: str
    is_standard: bool
    first_line: int
    last_line: int


class Source:
    """The text of a file; what is added ends its lines as most of the others are.

    Args:
        text: as it was read; may be empty.

    Attributes:
        quote: the quotation mark that it has more of.

    Raises:
        SyntaxError: it is no Python.
    """

    def __init__(self, text: str) -> None:
        self._mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
        self._text = text.removeprefix(_BYTE_ORDER_MARK)
        ends = Counter(_LINE_END.findall(self._text))
        self._newline = max(ends, key=lambda end: ends[end], default="\n")
        self._tree = ast.parse(self._text)
        self.quote = "'" if self._text.count("'") > self._text.count('"') else '"'
        indent = _INDENT.search(self._text)
        self._indent = indent[1] if indent else "    "

    @property
    def text(self) -> str:
        """The text, with the line endings of the file, and its mark of the byte order."""
        return f"{self._mark}{self._text}"

    def binds(self, name: str) -> bool:
        """Return whether a name means something in the file."""
        return any(one.name == name for one in bindings(self._tree))

    def has_another(self, name: str, origin: tuple[str, str]) -> bool:
        """Return whether a name means, or may mean, something else than what is imported so.

        Args:
            name: the name.
            origin: a module and the name in it, which is empty for the module itself.
        """
        return any(one.name == name and one.origin != origin for one in bindings(self._tree))

    def takes(self, module: str, name: str = "") -> bool:
        """Return whether a module, or a name from it, is imported under its own name."""
        wanted = Binding(name or module, (module, name), is_certain=True)
        return wanted in bindings(self._tree)

    @property
    def imports_relatively(self) -> bool:
        """Whether it imports from its neighbours with a dot."""
        return any(isinstance(node, ast.ImportFrom) and node.level for node in self._tree.body)

    def add_import(self, module: str, name: str = "") -> None:
        """Import a module, or a name from it, unless that is so; where the others are.

        Args:
            module: with dots in front if it is relative.
            name: what of it; empty for the module itself.
        """
        if self.takes(module, name):
            return
        for node in self._tree.body if name else ():
            match node:
                case ast.ImportFrom(module=named, level=0, names=[*aliases]) if named == module:
                    if aliases[0].name != "*":
                        self._add_alias(aliases, name)
                        return
        after, above, below = self._place(module)
        line = f"from {module} import {name}" if name else f"import {module}"
        self._insert(after, [*[""] * above, line, *[""] * below])

    def _add_alias(self, aliases: list[ast.alias], name: str) -> None:
        """Add a name to those that are imported from a module: by the alphabet, if they are so."""
        names = [alias.name for alias in aliases]
        place = bisect(names, _order(name), key=_order)
        if place == len(names) or names != sorted(names, key=_order):
            self._add_behind(aliases[-1], name, is_alone=aliases[0].lineno != aliases[-1].lineno)
            return
        alias = aliases[place]
        row, column = alias.lineno - 1, alias.col_offset
        start = self._lines()[row].encode()[:column].decode()
        self._put(row, column, f"{name}, " if start.strip() else f"{name},\n{start}")

    def _insert(self, after: int, added: list[str]) -> None:
        """Put lines behind the line of a number, from 1 on; behind 0 is at the top."""
        lines = self._lines()
        if lines and not _LINE_END.search(lines[-1]):
            lines[-1] += self._newline
        while added[-1:] == [""] and after == len(lines):  # nothing is below
            added = added[:-1]
        lines[after:after] = [f"{line}{self._newline}" for line in added]
        self._renew("".join(lines))

    def _put(self, row: int, column: int, text: str) -> None:
        """Put a text into a line, behind so many bytes of UTF-8, as Python counts them."""
        lines = self._lines()
        line = lines[row].encode()
        added = text.replace("\n", self._newline).encode()
        lines[row] = (line[:column] + added + line[column:]).decode()
        self._renew("".join(lines))

    def _lines(self) -> list[str]:
        """Return the lines as Python counts them, with their ends."""
        return list(io.StringIO(self._text, newline=""))

    def _place(self, module: str) -> tuple[int, int, int]:
        """Return the line to put an import behind, and the empty lines above and below it."""
        found = list(self._imports())
        if module.startswith("."):
            last = max((each.last_line for each in found), default=0)
            return (last, 0, 0) if found else self._start()
        is_standard = _is_standard(module)
        group = [each for each in found if each.module and each.is_standard is is_standard]
        if group:
            smaller = [each for each in group if each.module <= module]
            if smaller:
                return smaller[-1].last_line, 0, 0
            return group[0].first_line - 1, 0, 0
        if is_standard and found:
            future = [each for each in found if each.module == "__future__"]
            start = future[-1].last_line if future else found[0].first_line - 1
            return (start, 1, 0) if future else (start, 0, 1)
        before = [each for each in found if each.is_standard]
        if before:
            return before[-1].last_line, 1, 0
        if found:
            return found[0].first_line - 1, 0, 1
        return self._start()

    def _imports(self) -> Iterator[_Import]:
        for node in self._tree.body:
            match node:
                case ast.Import(names=[ast.alias(name=module), *_]):
                    pass
                case ast.ImportFrom(module=named, level=level):
                    module = "" if level or named is None else named
                case _:
                    continue
            standard = bool(module) and module != "__future__" and _is_standard(module)
            yield _Import(module, standard, node.lineno, _last_line(node))

    def _start(self) -> tuple[int, int, int]:
        """Return where the first import goes: below a docstring, or comments at the very top."""
        body = self._tree.body
        if body and ast.get_docstring(self._tree) is not None:
            return _last_line(body[0]), 1, 1
        lines = self._lines()
        first = body[0].lineno - 1 if body else len(lines)
        comments = list(takewhile(lambda line: line.startswith("#"), lines[:first]))
        return len(comments), 0, 1

    def append(self, text: str) -> None:
        """Add definitions at the end, below two empty lines, indented as the file is."""
        levels = re.compile(r"^(?: {4})+", re.M)
        text = levels.sub(lambda found: self._indent * (len(found[0]) // 4), text)
        before = self._text.rstrip("\r\n")
        added = f"\n\n\n{text}" if before else text
        self._renew(before + added.replace("\n", self._newline))

    def add_to_all(self, name: str) -> None:
        """Add a name to ``__all__``, if there is one that is written out."""
        for node in self._tree.body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as value
                ):
                    self._add_element(value, name)
                    return

    def _add_element(self, value: ast.List | ast.Tuple, name: str) -> None:
        quoted = f"{self.quote}{name}{self.quote}"
        if value.elts:
            last = value.elts[-1]
            self._add_behind(last, quoted, is_alone=last.lineno != value.lineno)
        else:
            comma = "," if isinstance(value, ast.Tuple) else ""
            self._put(value.lineno - 1, value.col_offset + 1, f"{quoted}{comma}")

    def _add_behind(self, last: ast.expr | ast.alias, text: str, *, is_alone: bool) -> None:
        """Add something behind the last of several, on a line of its own or on the same one."""
        row, column = _last_line(last) - 1, last.end_col_offset or 0
        above, line = ["", *self._lines()][row : row + 2]
        start = line[: len(line) - len(line.lstrip())]
        if not is_alone or above.rstrip().endswith("\\"):
            self._put(row, column, f", {text}")
        elif line.encode()[column:].lstrip().startswith(b","):  # what follows belongs to the last
            self._insert(row + 1, [f"{start}{text},"])
        else:
            self._put(row, column, f",\n{start}{text}")

    def _renew(self, text: str) -> None:
        self._text = text
        self._tree = ast.parse(text)


def _last_line(node: ast.stmt | ast.expr | ast.alias) -> int:
    return node.end_lineno or node.lineno


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _order(name: str) -> tuple[int, str]:
    """Return where a name belongs among those that are imported: constants, classes, the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2, name)
