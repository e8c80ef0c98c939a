"""Names that follow from an operation's class: templates and labels."""

import re

_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return a class name as a file name stem: ``ImportAirports``: ``import_airports``."""
    return _WORD_BREAK.sub("_", name).lower()


def template_name(label: str, suffix: str = "") -> str:
    """Return where a class's own template lies: ``shop.ImportCSV``: ``shop/import_csv.html``.

    Args:
        label: ``app_label.ClassName``.
        suffix: what follows the stem, with its ending; ``".html"`` if left out.
    """
    app_label, class_name = label.split(".")
    return f"{app_label}/{snake_case(class_name)}{suffix or '.html'}"
