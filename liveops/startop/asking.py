"""What somebody asks for: whether there is such an app, and whether the names will do."""

from difflib import get_close_matches
from keyword import iskeyword
from pathlib import Path

from django.apps import AppConfig, apps

from liveops.models import RESERVED_NAMES
from liveops.stages import identifier, name_problems
from liveops.startop.errors import CannotWriteError
from liveops.startop.text import method_name

_INSTALLED = {"site-packages", "dist-packages"}
_OURS = {"LiveOperation", "Progress"}


def find_app(label: str) -> AppConfig:
    """Return an app of the project.

    Raises:
        CannotWriteError: there is none of that label, or it is part of an installed package.
    """
    own = {app.label: app for app in apps.get_app_configs() if not is_installed(app)}
    if label in own:
        return own[label]
    if label in apps.app_configs:
        raise CannotWriteError(f"The app {label!r} comes from a package: take one of your own.")
    near = get_close_matches(label, own, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    known = ", ".join(sorted(own)) or "none"
    raise CannotWriteError(
        f"There is no app {label!r} in INSTALLED_APPS.{meant} Your own are: {known}."
    )


def is_installed(app: AppConfig) -> bool:
    """Return whether an app is part of a package, and not of the project."""
    return app.name.partition(".")[0] == "liveops" or bool(_INSTALLED & set(Path(app.path).parts))


def require_name(app: AppConfig, name: str) -> None:
    """Refuse what cannot be the name of an operation's class.

    Raises:
        CannotWriteError: with the reason.
    """
    better = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    if not name.isidentifier() or iskeyword(name) or not better:
        raise CannotWriteError(f"{name!r} cannot be the name of a class.")
    if name != better:  # letters of many scripts have no capitals
        raise CannotWriteError(f"A class is named like {better}, not {name}.")
    if name.lower() in RESERVED_NAMES or name in _OURS:
        raise CannotWriteError(f"LiveOperation needs the name {name} itself: choose another one.")
    if name.lower() in app.models:
        raise CannotWriteError(f"{app.label} has a model {name} already.")


def require_stages(stages: list[str], *, has_methods: bool) -> None:
    """Refuse what cannot be the names of stages.

    Raises:
        CannotWriteError: with the reason.
    """
    if problems := name_problems(stages):
        raise CannotWriteError(problems[0])
    for stage in stages:
        if has_methods and not identifier(stage):
            raise CannotWriteError(
                f"The stage {stage!r} has no letter from a to z and no digit for the name of its "
                f"method: take --blocks, or another name."
            )
    methods = [method_name(stage) for stage in stages]
    if has_methods and len(set(methods)) < len(methods):
        raise CannotWriteError("Two stages would have the same method: choose other names.")
