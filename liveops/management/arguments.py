"""The command line of ``run_liveop``: what every operation takes, and what one class adds."""

import logging
import shlex
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from inspect import cleandoc
from typing import Any

from django.core.management.base import CommandParser, DjangoHelpFormatter
from django.db.models import NOT_PROVIDED

from liveops.management.values import find_model, model_of, own_fields
from liveops.models import LiveOperation
from liveops.stages import RetryLimits, identifier, stage_methods
from liveops.stages.selection import attempted_names

logger = logging.getLogger("liveops")

LIMITS = ("attempts", "delay", "timeout")
"""What ``--<stage>-retry-…`` can set."""


class HelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Leaves descriptions as they are, and puts Django's own options last."""


class OperationParser(CommandParser):
    """A parser that learns the options of an operation class once it sees its name."""

    _model: type[LiveOperation] | None = None

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parse, after the options of the class that is named are known."""
        given = sys.argv[1:] if args is None else list(args)
        named = next((word for word in given if model_of(word) is not None), None)
        if named is not None:
            given.remove(named)
            given.insert(0, named)  # or --stage would take it for one of several stages
            if self._model is None:
                self._model = find_model(named)
                self._describe(self._model)
        return super().parse_known_args(given, namespace)

    def _describe(self, model: type[LiveOperation]) -> None:
        about = f"Run {model._meta.label} in the terminal.\n\n{_about(model)}".rstrip()
        # argparse fills in what it finds, and then trips over every other percent sign.
        self.description = about.replace("%", "%%") if "%(prog)" in about else about
        stages = self.add_argument_group("stages", _stages_text(model))
        for name, declared in retryable(model).items():
            form = identifier(name)
            limits = _limits_of(model, form, declared)
            kinds: dict[str, tuple[str, Callable[[str], Any], str]] = {
                "attempts": ("N", _whole, "how many more times to try this stage"),
                "delay": ("SECONDS", _seconds, "how long to wait before it is tried again"),
                "timeout": ("SECONDS", _seconds, "after how long it is not tried again"),
            }
            for limit, (metavar, kind, meaning) in kinds.items():
                stages.add_argument(
                    f"--{form.replace('_', '-')}-retry-{limit}",
                    dest=f"{form}_retry_{limit}",
                    metavar=metavar,
                    type=kind,
                    help=meaning + _default_text(limits, limit),
                )
        self.add_argument_group("fields, for --set", _fields_text(model))


def retryable(model: type[LiveOperation]) -> dict[str, RetryLimits | None]:
    """Return the stages that can be tried again, with what is declared of it where it is known."""
    found: dict[str, RetryLimits | None] = dict.fromkeys(attempted_names(model))
    found |= {stage.name: stage.limits for stage in stage_methods(model).values()}
    return {name: found[name] for name in model.stages if name in found and identifier(name)}


def retry_values(model: type[LiveOperation], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits of retrying that were given, by attribute of the operation."""
    names = [f"{identifier(name)}_retry_{limit}" for name in retryable(model) for limit in LIMITS]
    return {name: options[name] for name in names if options.get(name) is not None}


def command_line(
    program: Sequence[str], model: type[LiveOperation], options: Mapping[str, Any]
) -> str:
    """Return the command line that runs an operation again as it was run."""
    words = [*program, "run_liveop", model._meta.label]
    for name in ("settings", "pythonpath", "owner"):
        if options.get(name):
            words += [f"--{name}", options[name]]
    for setting in options.get("values") or ():
        words += ["--set", setting]
    if options.get("stage") is not None:
        words += ["--stage", *options["stage"]]
    if options.get("dry_run"):
        words.append("--dry-run")
    for name, value in retry_values(model, options).items():
        words += [f"--{name.replace('_', '-')}", _number(value)]
    return shlex.join(words)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def _about(model: type[LiveOperation]) -> str:
    text = cleandoc(model.__doc__ or "")
    # Django writes such a text itself where a class has none.
    return "" if text.startswith(f"{model.__name__}(") else text


def _stages_text(model: type[LiveOperation]) -> str:
    headings = {stage.name: stage.heading for stage in stage_methods(model).values()}
    rows = [(name, headings.get(name, "")) for name in model.stages]
    return _aligned(rows) or "This operation has no stages."


def _fields_text(model: type[LiveOperation]) -> str:
    rows = []
    for field in own_fields(model):
        parts = [str(field.description) % {**vars(field), "verbose_name": field.verbose_name}]
        if field.help_text:
            parts.append(str(field.help_text).rstrip("."))
        if field.choices:
            parts.append("one of " + ", ".join(str(value) for value, _ in field.flatchoices))
        if field.default is not NOT_PROVIDED and not callable(field.default):
            parts.append(f"default {field.default!r}")
        elif not field.blank and not field.null:
            parts.append("required")
        rows.append((field.name, "; ".join(parts)))
    return _aligned(rows) or "This operation has no fields of its own."


def _aligned(rows: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:{width}}  {text}".rstrip() for name, text in rows)


def _limits_of(
    model: type[LiveOperation], form: str, declared: RetryLimits | None
) -> RetryLimits | None:
    try:
        return None if declared is None else model().retry_limits(form, declared)
    except Exception:
        # A property may need values that the command line has yet to give.
        logger.debug("liveops: no default of %s can be shown", form, exc_info=True)
        return None


def _default_text(limits: RetryLimits | None, name: str) -> str:
    if limits is None:
        return ""
    value = getattr(limits, name)
    return " (default: no limit)" if value is None else f" (default {value:g})"


def _whole(text: str) -> int:
    try:
        return RetryLimits(attempts=int(text)).attempts
    except ValueError:
        raise ArgumentTypeError(f"write a whole number from 0 on, not {text!r}") from None


def _seconds(text: str) -> float:
    try:
        return RetryLimits(delay=float(text)).delay
    except ValueError:
        raise ArgumentTypeError(f"write seconds from 0 on, not {text!r}") from None
