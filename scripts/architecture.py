"""Read who imports whom in a package and say where that breaks the rules of its architecture.

A tree is a mapping of module names to `Source`; it is read from disk by `read_tree`, or written by
hand in a test. Every check returns sentences, one for each breach, that name module and import.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Layers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a module; `package` tells whether it is an ``__init__.py``."""

    text: str
    package: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module that is loaded, and its line.

    `late` marks an import inside a function: it runs when called, not when the module is loaded.
    """

    target: str
    line: int
    late: bool


Tree = Mapping[str, Source]

_Importing = ast.Import | ast.ImportFrom | ast.Call


def read_tree(folder: Path) -> dict[str, Source]:
    """Read every module of the package in `folder`, named from the package down."""
    tree = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        tree[name] = Source(path.read_text(encoding="utf-8"), package)
    return tree


def imports(name: str, tree: Tree) -> list[Import]:
    """Return what the module `name` imports, function-level imports too.

    Left out is what stands under ``if TYPE_CHECKING:``, which never runs. ``from package import x``
    counts as an import of the module ``package.x`` where there is one, else of ``package``.
    """
    source = tree[name]
    return [
        Import(target, node.lineno, late)
        for node, late in _importing(source.text)
        for target in _targets(node, name, source.package, tree)
    ]


@cache  # every check asks for every module
def _importing(text: str) -> list[tuple[_Importing, bool]]:
    """Return what may import something, each with whether it stands inside a function."""
    running = _running(ast.parse(text), late=False)
    return [(node, late) for node, late in running if isinstance(node, _Importing)]


def _running(node: ast.AST, *, late: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the nodes that can run, each with whether it stands inside a function."""
    yield node, late
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children: list[ast.AST] = list(node.orelse)
    else:
        children = list(ast.iter_child_nodes(node))
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in children:
        yield from _running(child, late=late)


def _targets(node: _Importing, name: str, package: bool, tree: Tree) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = name.split(".")
            kept = len(parts) - node.level + package
            base = ".".join([*parts[:kept], *filter(None, [base])])
        inside = [f"{base}.{alias.name}" for alias in node.names]
        # Sorted out of the set: one statement counts once for each module.
        return sorted({target if target in tree else base for target in inside})
    called = str(getattr(node.func, "attr", "") or getattr(node.func, "id", ""))
    if called.endswith("import_module"):
        values = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        return [value for value in values if isinstance(value, str)]
    return []


def _inside(target: str, tree: Tree) -> str | None:
    """Return the module of the tree that an import of `target` loads, None for a foreign one."""
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[:end])) in tree:
            return name
    return None


def layer_of(name: str, layers: Layers) -> int | None:
    """Return the layer of a module: its own entry, else that of ``package.*`` around it."""
    if name in layers:
        return layers[name]
    parts = name.split(".")
    wildcards = (".".join([*parts[:end], "*"]) for end in range(len(parts), 0, -1))
    return next((layers[key] for key in wildcards if key in layers), None)


def missing_layers(tree: Tree, layers: Layers) -> list[str]:
    """Name the modules without a layer, and the layers without a module."""
    problems = [
        f"{name} has no layer: add it to the table"
        for name in tree
        if layer_of(name, layers) is None
    ]
    for key in layers:
        prefix = key.removesuffix("*")
        if key not in tree and not (
            key != prefix and any(f"{n}.".startswith(prefix) for n in tree)
        ):
            problems.append(f"the table has a layer for {key}, which does not exist")
    return problems


def wrong_directions(tree: Tree, layers: Layers) -> list[str]:
    """Name the imports that go up, from a lower layer to a higher one."""
    problems = []
    for name in tree:
        here = layer_of(name, layers)
        for item in imports(name, tree):
            target = _inside(item.target, tree)
            there = None if target is None else layer_of(target, layers)
            if here is not None and there is not None and there > here:
                problems.append(
                    f"{name}:{item.line} (layer {here}) imports {target} (layer {there}): "
                    "imports go down only"
                )
    return problems


def _edges(name: str, tree: Tree) -> set[str]:
    """Return the modules of the tree that `name` imports anywhere in its text."""
    found = {_inside(item.target, tree) for item in imports(name, tree)}
    return {target for target in found if target is not None and target != name}


def _load_edges(name: str, tree: Tree) -> set[str]:
    """Return the modules of the tree that Python loads while it loads `name`.

    These are the imports outside functions and, for each, the packages around it: loading
    ``a.b.c`` first runs ``a`` and ``a.b``, unless they hold `name` itself and so run already.
    """
    found = set()
    for item in imports(name, tree):
        target = _inside(item.target, tree)
        if target is None or item.late:
            continue
        parts = target.split(".")
        chain = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        found |= {part for part in chain if part in tree and not f"{name}.".startswith(f"{part}.")}
    return found


def cycles(tree: Tree) -> list[str]:
    """Name the circles of imports, both as written and as Python loads the modules."""
    problems = []
    for edges, kind in ((_edges, "import"), (_load_edges, "load")):
        graph = {name: sorted(edges(name, tree)) for name in tree}
        problems += [f"modules {kind} each other: {' -> '.join(ring)}" for ring in _rings(graph)]
    return problems


def _rings(graph: Mapping[str, list[str]]) -> list[list[str]]:
    """Return one ring for each edge that closes one, found by walking depth first."""
    rings: list[list[str]] = []
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            rings.append([*path[path.index(name) :], name])
        elif name not in done:
            for target in graph[name]:
                walk(target, [*path, name])
            done.add(name)

    for name in graph:
        walk(name, [])
    return rings


def impurities(tree: Tree, pure: Collection[str], banned: Collection[str]) -> list[str]:
    """Name what makes a pure module load one of the `banned` libraries, by whatever way.

    `pure` holds module names and ``package.*``. A function-level import counts in the pure module
    itself; behind other modules only what is loaded with them counts.
    """
    problems = []
    flags = dict.fromkeys(pure, 0)
    for name in (name for name in tree if layer_of(name, flags) is not None):
        todo, seen = [(name, name)], set()
        parts = name.split(".")
        todo += [(".".join(parts[:end]),) * 2 for end in range(1, len(parts))]
        while todo:
            module, way = todo.pop()
            if module in seen or module not in tree:
                continue
            seen.add(module)
            for item in imports(module, tree):
                library = item.target.partition(".")[0]
                if library in banned and (module == name or not item.late):
                    problems.append(
                        f"{name} must stay pure, but {way}:{item.line} imports {item.target}"
                    )
            todo += [(target, f"{way} -> {target}") for target in sorted(_load_edges(module, tree))]
    return problems


def strays(tree: Tree, homes: Mapping[str, Collection[str]]) -> list[str]:
    """Name the imports of an optional library outside the modules that are its home."""
    return [
        f"{name}:{item.line} imports {item.target}, which belongs in {', '.join(homes[library])}"
        for name in tree
        for item in imports(name, tree)
        if (library := item.target.partition(".")[0]) in homes and name not in homes[library]
    ]


def too_long(texts: Mapping[str, str], limit: int) -> list[str]:
    """Name the files with more than `limit` lines."""
    counts = {name: len(text.splitlines()) for name, text in texts.items()}
    return [
        f"{name} has {count} lines, at most {limit} are allowed: split it"
        for name, count in counts.items()
        if count > limit
    ]
