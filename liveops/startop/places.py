"""Where an app keeps its models and its tests, and what changes there."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.apps import AppConfig

from liveops.naming import snake_case
from liveops.startop.errors import CannotWriteError
from liveops.startop.source import Source
from liveops.startop.text import Operation

_MODELS = "liveops.models"
_PROGRESS = "liveops.progress"


@dataclass(frozen=True)
class Change:
    """A file that is to be written.

    Attributes:
        path: of the file.
        before: its text; None if there is none yet.
        after: the text that it shall have.
        what: what is new in it, in a few words.
    """

    path: Path
    before: str | None
    after: str
    what: str


def write_all(planned: Sequence[Change]) -> None:
    """Write all of several changes, or none.

    Raises:
        OSError: one cannot be written, or somebody made the file meanwhile.
    """
    with ExitStack() as undoing, ExitStack() as files:  # closed before anything is undone
        opened = []
        for change in planned:  # each is opened before one is changed
            is_new = change.before is None
            file = files.enter_context(change.path.open("xb" if is_new else "r+b"))
            if is_new:
                undoing.callback(change.path.unlink)
            opened.append(file)
        for change, file in zip(planned, opened, strict=True):
            if change.before is not None:
                undoing.callback(change.path.write_bytes, change.before.encode())
            file.write(change.after.encode())
            file.truncate()
            file.flush()
        undoing.pop_all()


def changes(app: AppConfig, operation: Operation) -> list[Change]:
    """Return what has to be written for an operation and its test; nothing is written yet.

    Raises:
        CannotWriteError: a file is in the way, cannot be read, or uses the same names otherwise.
    """
    return [*_model_changes(app, operation), _test_change(app, operation)]


def _model_changes(app: AppConfig, operation: Operation) -> list[Change]:
    folder = Path(app.path)
    package, module = folder / "models", folder / "models.py"
    if not package.is_dir():
        return [_with_class(module, operation)]
    stem = snake_case(operation.name)
    own = _new(package / f"{stem}.py")
    index = package / "__init__.py"
    source, before = _read(index)
    if source.binds(operation.name):
        raise CannotWriteError(f"{index} has a {operation.name} already.")
    relative = source.imports_relatively or before is None or not before.strip()
    source.add_import(f".{stem}" if relative else f"{app.name}.models.{stem}", operation.name)
    source.add_to_all(operation.name)
    return [
        _with_class(own, operation),
        Change(index, before, source.text, f"imports {operation.name}"),
    ]


def _with_class(path: Path, operation: Operation) -> Change:
    source, before = _read(path)
    if source.binds(operation.name):
        raise CannotWriteError(f"{path} has a {operation.name} already.")
    module = operation.pausing_module
    # A file may have the name of the module for something else: `from time import time`, say.
    is_free = not source.has_another(module, (module, ""))
    sleep = (module, "" if is_free else "sleep")
    _add_imports(path, source, [sleep, (_MODELS, "LiveOperation"), (_PROGRESS, "Progress")])
    source.append(operation.source(source.quote, f"{module}.sleep" if is_free else "sleep"))
    return Change(path, before, source.text, f"class {operation.name}")


def _test_change(app: AppConfig, operation: Operation) -> Change:
    folder = Path(app.path)
    name = f"{operation.name}Tests"
    if (folder / "tests").is_dir():
        path = _new(folder / "tests" / f"test_{snake_case(operation.name)}.py")
    else:
        path = folder / "tests.py"
    source, before = _read(path)
    if source.binds(name):
        raise CannotWriteError(f"{path} has {name} already.")
    _add_imports(
        path,
        source,
        [
            ("django.test", "TestCase"),
            ("liveops.testing", "run_operation"),
            (f"{app.name}.models", operation.name),
        ],
    )
    source.append(operation.test(source.quote))
    return Change(path, before, source.text, f"class {name}")


def _add_imports(path: Path, source: Source, imports: list[tuple[str, str]]) -> None:
    for module, name in imports:
        if name and source.has_another(name, (module, name)):
            raise CannotWriteError(
                f"{path} has another {name}, where the one from {module} is needed."
            )
        source.add_import(module, name)


def _new(path: Path) -> Path:
    if path.exists():
        raise CannotWriteError(f"{path} exists already.")
    return path


def _read(path: Path) -> tuple[Source, str | None]:
    """Return what a file holds, as it is; None for one that there is not."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return Source(""), None
    except UnicodeDecodeError as error:
        raise CannotWriteError(f"{path} is not in UTF-8.") from error
    try:
        return Source(text), text
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise CannotWriteError(f"{path}{line} is not Python: mend that first.") from error
