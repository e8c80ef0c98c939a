"""The text of an operation class and of its test, from the templates beside this module."""

import re
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword
from pathlib import Path
from string import Template

from liveops.models import LiveOperation
from liveops.stages import identifier

_FOLDER = Path(__file__).parent
# In the templates: none of these holds a quotation mark.
_QUOTED = re.compile(r'(?<!")"([^"\n]+)"(?!")')


@dataclass(frozen=True)
class Operation:
    """An operation that is to be written.

    Attributes:
        name: of the class.
        stages: their names, in order.
        has_methods: whether each stage is a method, or a block in ``run()``.
        is_async: whether its methods are ``async``.
    """

    name: str
    stages: tuple[str, ...]
    has_methods: bool
    is_async: bool

    @property
    def pausing_module(self) -> str:
        """The module that the written code pauses with."""
        return "asyncio" if self.is_async else "time"

    def source(self, quote: str, sleep: str) -> str:
        """Return the class.

        Args:
            quote: the file's quotation mark.
            sleep: what the function that pauses is called in the file.
        """
        kind = "methods" if self.has_methods else "blocks"
        part = "method" if self.has_methods else "block"
        stages = "".join(
            _fill(
                part,
                quote,
                stage=literal(stage, quote),
                heading=literal(f"{stage} is under way", quote),
                method=method_name(stage),
                define=self._define,
                pause=f"await {sleep}" if self.is_async else sleep,
            )
            for stage in self.stages
        )
        return _fill(
            kind,
            quote,
            name=self.name,
            names=", ".join(literal(stage, quote) for stage in self.stages),
            stages=stages.rstrip("\n"),
            define=self._define,
            items=str(5 * len(self.stages)),
        )

    def test(self, quote: str) -> str:
        """Return the test case, with a file's quotation mark."""
        states = ", ".join(f"{literal(stage, quote)}: {quote}done{quote}" for stage in self.stages)
        return _fill("test", quote, name=self.name, states=states)

    @property
    def _define(self) -> str:
        return "async def" if self.is_async else "def"


def method_name(stage: str) -> str:
    """Return the name of the method for a stage; models have some of the obvious ones already."""
    form = identifier(stage)
    is_taken = iskeyword(form) or hasattr(LiveOperation, form) or not form.isidentifier()
    return f"stage_{form}" if is_taken else form


def literal(text: str, quote: str) -> str:
    """Return a text as Python writes it: in a quotation mark, or the other if that is in it."""
    other = "'" if quote == '"' else '"'
    mark = other if quote in text and other not in text else quote
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


def _fill(template: str, quote: str, **values: str) -> str:
    return _template(template, quote).substitute(values)


@cache
def _template(name: str, quote: str) -> Template:
    text = (_FOLDER / f"{name}.py-tpl").read_text(encoding="utf-8")
    return Template(_QUOTED.sub(rf"{quote}\1{quote}", text))
