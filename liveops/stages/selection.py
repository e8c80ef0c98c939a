"""Which stages are to run: what may be asked for, and what cannot be left out."""

import ast
import inspect
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cache

from liveops.stages.declaration import stage_methods
from liveops.stages.names import identifier


def selects(selection: Collection[str] | None, name: str) -> bool:
    """Return whether a selection holds a stage, by its name or its identifier form.

    None selects every stage. A single string counts as a list that holds only it.

    Raises:
        TypeError: the selection is no collection.
    """
    if selection is None:
        return True
    if isinstance(selection, str):
        selection = [selection]
    if not isinstance(selection, Collection):
        raise TypeError(_no_list(selection))
    if name in selection:
        return True
    names: Collection[object] = selection  # not checked yet, perhaps
    form = identifier(name)
    return bool(form) and any(isinstance(x, str) and identifier(x) == form for x in names)


def selection_problem(owner: type, stages: Sequence[str], selection: object) -> str | None:
    """Return a sentence about what makes a selection impossible, or None.

    Python cannot leave out the block of a ``with p.stage()``, so a selection must hold all of
    those. That a stage is none is known of methods, and of names that stand as plain strings in a
    ``p.attempts()`` of the class.

    Args:
        owner: the class of the operation.
        stages: the names of all its stages.
        selection: names or identifier forms of those to run; None for all.
    """
    if selection is None:
        return None
    if isinstance(selection, str) or not isinstance(selection, Collection):
        return _no_list(selection)
    for wanted in selection:
        if not isinstance(wanted, str):
            return f"stages_to_run must hold names of stages; got {wanted!r}."
        if not any(selects([wanted], name) for name in stages):
            by_form = {identifier(name): name for name in stages}
            close = get_close_matches(wanted, stages, n=1)
            close += get_close_matches(identifier(wanted), filter(None, by_form), n=1)
            hint = f" Did you mean {by_form.get(close[0], close[0])!r}?" if close else ""
            return f"There is no stage {wanted!r}.{hint} Stages: {', '.join(stages) or 'none'}."
    can_be_skipped = {stage.name for stage in stage_methods(owner).values()}
    can_be_skipped |= attempted_names(owner)
    for name in stages:
        if name not in can_be_skipped and not selects(selection, name):
            return (
                f"The stage {name!r} cannot be skipped: Python always runs the block of a with "
                f"statement. Make it a method with @LiveOperation.stage, or write 'for attempt in "
                f"p.attempts({name!r}): with attempt: …'."
            )
    return None


def _no_list(selection: object) -> str:
    return f"stages_to_run must be a list of stage names or None, not {selection!r}."


@cache
def attempted_names(owner: type) -> frozenset[str]:
    """Return the names that ``….attempts("name")`` is called with in the source of a class."""
    found: set[str] = set()
    for base in owner.__mro__:
        if base.__module__.partition(".")[0] in ("builtins", "django", "liveops"):
            continue
        try:
            source = inspect.getsource(base)
            tree = ast.parse(f"if True:\n{source}" if source[:1].isspace() else source)
        except (OSError, TypeError, SyntaxError):
            continue  # made at run time: nothing can be known of it
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found.update(_first_string(node) if node.func.attr == "attempts" else ())
    return frozenset(found)


def _first_string(call: ast.Call) -> list[str]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    first = (call.args or named)[:1]
    return [x.value for x in first if isinstance(x, ast.Constant) and isinstance(x.value, str)]
