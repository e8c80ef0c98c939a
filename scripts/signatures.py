"""Read what a class or a function looks like from outside, as text that is the same everywhere.

It is read from the source, not from what Python makes of it: that says types otherwise in each
version, and knows no overloads. Only what the package itself defines counts, not what Django adds.
"""

import ast
import inspect
import re
import sys
from collections.abc import Collection, Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from liveops.stages.declaration import PHASES

_PACKAGE = "liveops"
_LONGEST_VALUE = 80
_KINDS = {"classmethod", "contextmanager", "overload", "staticmethod"}
_OPEN = {"__init__", *PHASES}
_SECTION = re.compile(r"^Attributes:\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^ {4}(\w+(?:, \w+)*):", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def describe(
    name: str, value: Any, members: Collection[str], public: Collection[Any]
) -> Iterator[str]:
    """Yield the lines that describe a public name, beginning with it.

    Args:
        name: the dotted name under which it is imported.
        value: what has that name.
        members: which members of a class count; of its phases all that are overridden, and of an
            enumeration or a dictionary all there are.
        public: what is public, so that bases which are not are left out.
    """
    if inspect.isclass(value):
        bases = dict.fromkeys(_bases(value, public))
        yield f"class {name}({', '.join(base.__name__ for base in bases)})"
        for member, lines in sorted(_members(value).items()):
            counts = member in members or issubclass(value, Enum | dict)
            if counts and (not member.startswith("_") or member in _OPEN):
                yield from (line.replace(" .", f" {name}.", 1) for line in lines)
    elif inspect.isfunction(value):
        for line in _function(_definition(value)):
            yield line.replace(" .", f" {name.rpartition('.')[0]}.", 1)
    else:
        yield f"value {name}: {type(value).__name__}"


def _bases(owner: type, public: Collection[Any]) -> Iterator[type]:
    """Yield what a class inherits from, with the bases of one that is not public in its place."""
    for base in owner.__bases__:
        if _is_ours(base) and base not in public:
            yield from _bases(base, public)
        elif base is not object:
            yield base


def _is_ours(value: Any) -> bool:
    return bool(value.__module__.partition(".")[0] == _PACKAGE)


def _members(owner: type) -> dict[str, list[str]]:
    """Return the lines of each member, by its name; the class that is asked first has it."""
    found: dict[str, list[str]] = {}
    for base in owner.__mro__:
        if _is_ours(base):
            for name, lines in _own_members(base).items():
                found.setdefault(name, lines)
    return found


def _own_members(owner: type) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in _definition(owner).body:
        if isinstance(node, Function):
            found.setdefault(node.name, []).extend(_function(node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = "" if node.value is None else f" = {_short(node.value)}"
            found[node.target.id] = [f"value .{node.target.id}: {_type(node.annotation)}{value}"]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = [f"value .{node.targets[0].id} = {_short(node.value)}"]
    for name, lines in found.items():  # what overloads stand for is no promise of its own
        overloads = [line for line in lines if line.startswith("overload ")]
        found[name] = overloads or lines
    section = _SECTION.search(inspect.getdoc(owner) or "")
    inherited = sorted(getattr(owner, "__required_keys__", ()))  # of a dictionary with types
    for names in [*_ATTRIBUTE.findall(section[1] if section else ""), *inherited]:
        for name in names.split(", "):
            found.setdefault(name, [f"value .{name}"])
    return found


def _function(node: Function) -> list[str]:
    decorators = {ast.unparse(it).rpartition(".")[2] for it in node.decorator_list}
    returned = "" if node.returns is None else f" -> {_type(node.returns)}"
    if decorators & {"property", "cached_property"}:
        return [f"property .{node.name}{returned}"]
    if "setter" in decorators:
        return [f"setter .{node.name}"]
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    kinds = sorted(decorators & _KINDS, reverse=True)
    arguments = _without_quotes(ast.unparse(node.args))
    return [f"{' '.join([*kinds, kind])} .{node.name}({arguments}){returned}"]


def _type(node: ast.expr) -> str:
    return _without_quotes(ast.unparse(node))


def _without_quotes(text: str) -> str:
    """Return it with types that are quoted, as they were not known yet, like the others."""
    return re.sub(r"(?<=: |> )'([^']*)'|^'([^']*)'$|(?<=\[)'([A-Z]\w*)'(?=\])", _first, text)


def _first(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _short(node: ast.expr) -> str:
    """Return a value as it is written; of a call, as the fields of models are, what is called."""
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func)}(…)"
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST_VALUE else "…"


def _definition(value: Any) -> Any:
    """Return where a class or a function is defined, as a syntax tree."""
    module = sys.modules[value.__module__]
    body: Any = _tree(module)
    for part in value.__qualname__.split("."):
        body = next(
            node
            for node in body.body
            if isinstance(node, Function | ast.ClassDef) and node.name == part
        )
    return body


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
