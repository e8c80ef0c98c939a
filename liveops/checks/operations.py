"""Whether operation classes can work: names, stages, and that there is something to run."""

import inspect
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error

from liveops.guarded_classes import without_lists
from liveops.models import RESERVED_NAMES, LiveOperation
from liveops.stages import custom_phase_problems, name_problems, stage_methods

_MOST_RESUMES = 32_767  # what the column takes


def class_messages() -> list[CheckMessage]:
    """Return what is wrong with the project's operation classes."""
    return [
        message
        for model in apps.get_models()
        if issubclass(model, LiveOperation) and model is not LiveOperation
        for message in (
            *_name_messages(model),
            *_run_messages(model),
            *_stage_messages(model),
            *_resume_messages(model),
        )
    ] + [_hidden_message(model) for model in without_lists()]


def _hidden_message(model: type[LiveOperation]) -> CheckMessage:
    """Return what is to be said of a class whose operations no list can show."""
    return checks.Warning(
        f"{model._meta.label} has a can_view() of its own and no visible_to(), so that its "
        f"operations are in no list, no badge and not in the admin.",
        hint="Write a class method visible_to(cls, user) that returns the same rule as a Q "
        "object, such as return Q(owner=user).",
        obj=model,
        id="liveops.W012",
    )


def _name_messages(model: type[LiveOperation]) -> list[CheckMessage]:
    """Return what is wrong with the name of the class.

    Django gives the parent of a model an attribute with the model's name in lower case, and asks
    nobody whether there is a method of that name.
    """
    name = model._meta.model_name
    if name not in RESERVED_NAMES or model._meta.proxy:
        return []
    message = (
        f"{model._meta.label}: an operation must not be called {model.__name__}, since Django "
        f"would replace LiveOperation.{name}."
    )
    return [_error(model, "liveops.E008", message, "Give the class another name.")]


def _run_messages(model: type[LiveOperation]) -> list[CheckMessage]:
    """Return what is wrong with the methods that are called with ``p``."""
    label, stages = model._meta.label, stage_methods(model)
    if model.run is not LiveOperation.run:
        if _takes_progress(model.run):
            return []
        message, hint = f"{label}.run() takes no progress argument.", "Write run(self, p)."
        return [_error(model, "liveops.E004", message, hint)]
    if not stages:
        message = f"{label} has neither a run() method nor stage methods."
        hint = "Write run(self, p), or methods with @LiveOperation.stage(name, heading)."
        return [_error(model, "liveops.E004", message, hint)]
    return [
        _error(
            model,
            "liveops.E005",
            f"{label}.{name}() is a stage, but cannot be called with the progress alone.",
            f"Write {name}(self, p), or a run(self, p) that calls it with what it needs.",
        )
        for name in stages
        if not _takes_progress(getattr(model, name))
    ]


def _stage_messages(model: type[LiveOperation]) -> list[CheckMessage]:
    """Return what is wrong with names of stages, and with phases made for one of them."""
    label, methods = model._meta.label, stage_methods(model)
    if problems := name_problems(model.stages):
        hint = "Write a list of different names, such as stages = ['Load', 'Save']."
        return [_error(model, "liveops.E003", f"{label}: {problem}", hint) for problem in problems]
    found: list[CheckMessage] = []
    for name, stage in methods.items():
        if not stage.form:
            message = (
                f"{label}.{name}(): the stage name {stage.name!r} has no letter from a to z and no "
                f"digit, so no phase and no option can be named after it."
            )
            hint = "Give the stage another name; its heading may be any text."
            found.append(_error(model, "liveops.E003", message, hint))
    listed, named = set(model.stages), {stage.name for stage in methods.values()}
    apart = named - listed
    if methods and model.run is LiveOperation.run:
        apart |= listed - named
    if apart:
        message = f"{label}: stages and the stage methods differ in {', '.join(sorted(apart))}."
        hint = "Leave stages out: it follows from the methods."
        found.append(_error(model, "liveops.E006", message, hint))
    for name in methods.keys() & RESERVED_NAMES:
        message = f"{label}.{name}() is a stage, but takes the place of a method of every model."
        found.append(_error(model, "liveops.E008", message, "Give the method another name."))
    found += [
        _error(model, "liveops.E007", f"{label}.{problem}", "Rename the method, or remove it.")
        for problem in custom_phase_problems(model)
    ]
    return found


def _resume_messages(model: type[LiveOperation]) -> list[CheckMessage]:
    """Return what keeps a class from being resumed by itself that wants to be."""
    label = model._meta.label
    times: Any = model.resume_on_interrupt
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= _MOST_RESUMES:
        message = f"{label}.resume_on_interrupt must be a whole number from 0 on, not {times!r}."
        hint = "Write how often it may be resumed, such as resume_on_interrupt = 3."
        return [_error(model, "liveops.E009", message, hint)]
    if times and not stage_methods(model):
        message = f"{label} has resume_on_interrupt, but no stage methods to go on with."
        hint = "Write its stages as methods, or leave resume_on_interrupt out."
        return [_error(model, "liveops.E009", message, hint)]
    return []


def _takes_progress(method: Any) -> bool:
    try:
        inspect.signature(method).bind(None, None)
    except TypeError:
        return False
    return True


def _error(model: type[LiveOperation], identity: str, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, obj=model, id=identity)
