"""What the names of a module mean: which are imported, from where, and which are something else."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One place at which a module gives a name a meaning.

    Attributes:
        name: the name.
        origin: module and name that it is imported from, the name empty for the module itself;
            None for what is not imported.
        is_certain: whether that happens whatever else does: outside of conditions and loops.
    """

    name: str
    origin: tuple[str, str] | None
    is_certain: bool


def bindings(tree: ast.Module) -> list[Binding]:
    """Return what the names of a module mean, in their order; ``import *`` tells nothing."""
    return list(_found(tree.body, is_certain=True))


def _found(nodes: Iterable[ast.AST], *, is_certain: bool) -> Iterator[Binding]:
    for node in nodes:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    root = alias.name.partition(".")[0]
                    origin = (alias.name if alias.asname else root, "")
                    yield Binding(alias.asname or root, origin, is_certain)
            case ast.ImportFrom(names=aliases, level=level):
                module = "." * level + (node.module or "")
                for alias in aliases:
                    yield Binding(alias.asname or alias.name, (module, alias.name), is_certain)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield Binding(name, None, is_certain)
            case ast.AsyncFunctionDef(name=name):
                yield Binding(name, None, is_certain)
            case _ if not isinstance(node, _SCOPES):
                if own := _own_name(node):
                    yield Binding(own, None, is_certain)
                yield from _found(ast.iter_child_nodes(node), is_certain=False)


def _own_name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case ast.MatchMapping(rest=name):
            return name
    return None
