"""Messages with markup of rich in them, or with brackets that are none."""

from rich.console import Console
from rich.errors import MarkupError, MissingStyle
from rich.text import Text

from liveops.summary import encodable


class Plain(str):
    """A message in which brackets mean nothing."""

    __slots__ = ()


def styled(console: Console, message: object, style: str = "") -> Text:
    """Return a message as text that the console can print.

    Its markup counts if all of it is right: with one tag that names no style, such as ``[a-z]``,
    or that closes nothing, the message is shown as it stands.

    Args:
        console: knows the styles and the encoding.
        message: what to print; without markup if it is :class:`Plain`.
        style: of the whole text.
    """
    text = None if isinstance(message, Plain) else _parsed(console, str(message), style)
    return encodable(console, Text(str(message), style=style) if text is None else text)


def _parsed(console: Console, message: str, style: str) -> Text | None:
    try:
        text = Text.from_markup(message, style=style)
        for span in text.spans:
            console.get_style(span.style)
    except (MarkupError, MissingStyle):
        return None
    return text
