"""A Python file that somebody wrote, to which something is added in its own style."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

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
    """The text of a file, with the lines ended by ``\\n`` whatever it has.

    Args:
        text: as it was read; may be empty.

    Attributes:
        quote: the quotation mark that it has more of.

    Raises:
        SyntaxError: it is no Python.
    """

    def __init__(self, text: str) -> None:
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._text = text.replace("\r\n", "\n")
        self._tree = ast.parse(self._text)
        self.quote = "'" if self._text.count("'") > self._text.count('"') else '"'
        indent = _INDENT.search(self._text)
        self._indent = indent[1] if indent else "    "

    @property
    def text(self) -> str:
        """The text, with the line endings of the file."""
        return self._text.replace("\n", self._newline)

    def binds(self, name: str) -> bool:
        """Return whether a name at the top of the file means something."""
        return any(name in _names(node) for node in self._tree.body)

    def takes_from(self, module: str, name: str) -> bool:
        """Return whether a name is imported from a module."""
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == module
            and any(alias.name == name and alias.asname in {None, name} for alias in node.names)
            for node in self._tree.body
        )

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
        if name and self.takes_from(module, name):
            return
        if not name and self.binds(module):
            return
        line = f"from {module} import {name}" if name else f"import {module}"
        after, above, below = self._place(module)
        lines = self._text.split("\n") if self._text else []
        lines[after:after] = [*[""] * above, line, *[""] * below]
        self._renew("\n".join(lines) if lines[-1:] == [""] else "\n".join([*lines, ""]))

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
        first = body[0].lineno - 1 if body else len(self._text.splitlines())
        comments = list(
            takewhile(lambda line: line.startswith("#"), self._text.split("\n")[:first])
        )
        return len(comments), 0, 1

    def append(self, text: str) -> None:
        """Add definitions at the end, below two empty lines, indented as the file is."""
        levels = re.compile(r"^(?: {4})+", re.M)
        text = levels.sub(lambda found: self._indent * (len(found[0]) // 4), text)
        before = self._text.rstrip("\n")
        self._renew(f"{before}\n\n\n{text}" if before else text)

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
        # Columns count the bytes of UTF-8.
        lines = self._text.encode().split(b"\n")
        row, column, between = value.lineno - 1, value.col_offset + 1, ""
        after = "," if isinstance(value, ast.Tuple) else ""
        if value.elts:
            last = value.elts[-1]
            row, column = _last_line(last) - 1, last.end_col_offset or 0
            start = lines[row][: len(lines[row]) - len(lines[row].lstrip())].decode()
            has_own_line = last.lineno != value.lineno
            between, after = (f",\n{start}" if has_own_line else ", "), ""
        added = f"{between}{quoted}{after}".encode()
        lines[row] = lines[row][:column] + added + lines[row][column:]
        self._renew(b"\n".join(lines).decode())

    def _renew(self, text: str) -> None:
        self._text = text
        self._tree = ast.parse(text)


def _last_line(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _names(node: ast.stmt) -> set[str]:
    """Return what a statement at the top of a file binds; of those in others nothing."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).partition(".")[0] for alias in names}
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return {name}
        case ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
