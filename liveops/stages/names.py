"""What a stage may be called."""

import re

MAX_NAME_LENGTH = 100
"""Longest stage name in characters; the width of the column that stores it."""

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def identifier(name: str) -> str:
    """Return the form of a stage name that methods and options use: ``Save to DB``: ``save_to_db``.

    Lower case; every run of anything but ASCII letters and digits becomes one underscore, and
    none stands at either end.
    """
    return _SEPARATORS.sub("_", name.lower()).strip("_")


def name_problems(stages: object) -> list[str]:
    """Return one sentence for everything that is wrong with a list of stage names.

    An empty list means that the names can be used.
    """
    if not isinstance(stages, list | tuple):
        return [f"stages must be a flat list of names, not {type(stages).__name__}."]
    problems: list[str] = []
    seen: dict[str, str] = {}
    for name in stages:
        if not isinstance(name, str):
            problems.append(f"stages must be flat: {name!r} is not a string.")
            continue
        form = identifier(name)
        if not name.strip():
            problems.append("A stage has an empty name.")
        elif len(name) > MAX_NAME_LENGTH:
            problems.append(
                f"The stage name {name[:40]!r}… has {len(name)} characters; "
                f"{MAX_NAME_LENGTH} is the limit."
            )
        elif _UNSTORABLE.search(name):
            problems.append(
                f"The stage name {name!r} holds a control character or a lone surrogate."
            )
        elif form and form in seen:
            problems.append(
                f"The stages {seen[form]!r} and {name!r} have the same identifier form {form!r}."
            )
        elif name in seen.values():
            problems.append(f"The stage {name!r} is listed twice.")
        seen[form or name] = name
    return problems
