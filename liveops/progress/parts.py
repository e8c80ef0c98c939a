"""The parts of a page that are an operation's own: ``p.swap()`` and ``p.html()``."""

import re
from typing import Any

from django.template.loader import render_to_string

from liveops.naming import template_name
from liveops.progress.run import Run
from liveops.progress.update import Swap

_SELECTOR = re.compile(r"[#.]?[A-Za-z_][\w-]*(?:[ >]+[#.]?[A-Za-z_][\w-]*)*")
_SWAP_MODES = ("innerHTML", "outerHTML", "beforeend", "afterbegin", "beforebegin", "afterend")


class PageParts:
    """Lets user code fill the parts of its page that are its own; a part of ``Progress``."""

    _run: Run

    def swap(self, selector: str, name: str | None = None, **context: Any) -> None:
        """Render a template of the operation into a part of its page.

        Args:
            selector: an id (with or without ``#``), a class with ``.``, or a path of them, inside
                the operation's container.
            name: the template ``<app>/<class_in_snake_case>_<name>.html``; the selector's own
                name if left out.
            context: values for the template; ``op`` is the operation.

        Raises:
            ValueError: not a selector of that form.
            TemplateDoesNotExist: there is no such template.
        """
        operation = self._run.operation
        name = name if name is not None else selector.lstrip("#.")
        path = template_name(operation._meta.label, f"_{name}.html")
        self._show_template(selector, path, {"op": operation, **context})

    def _show_template(self, selector: str, path: str, context: dict[str, Any]) -> None:
        self.html(selector, render_to_string(path, context))

    def html(self, selector: str, raw: str, mode: str = "innerHTML") -> None:
        """Put trusted HTML into a part of the operation's page.

        Never pass anything that a user wrote: nothing is escaped here. In the terminal nothing
        happens.

        Args:
            selector: as for :meth:`swap`.
            raw: the HTML.
            mode: ``innerHTML`` (kept for pages opened later), ``beforeend`` or ``afterbegin`` (kept
                if the part was filled before, up to 100,000 characters in all), ``outerHTML``,
                ``beforebegin`` or ``afterend`` (not kept).

        Raises:
            ValueError: an unknown mode, or not a selector of that form.
        """
        if mode not in _SWAP_MODES:
            raise ValueError(f"html() knows the modes {', '.join(_SWAP_MODES)}; got {mode!r}.")
        target = full_selector(selector)
        # Databases refuse both, and a page has no use for them.
        text = str(raw).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
        self._run.add_swap(Swap(target, mode, text))


def full_selector(selector: str) -> str:
    """Return a selector with the ``#`` that may be left out of an id.

    Raises:
        ValueError: not a selector that is taken.
    """
    if not _SELECTOR.fullmatch(selector):
        raise ValueError(
            f"html() and swap() take an id such as '#chart', a class such as '.chart', or a "
            f"path of them; got {selector!r}."
        )
    return selector if selector[0] in "#." or " " in selector else f"#{selector}"
