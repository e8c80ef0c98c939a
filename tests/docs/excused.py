"""Blocks of the pages that no test can execute, by the reason; named as in ``executed.py``."""

from tests.docs.executed import SESSIONS, Pages

REASONS: dict[str, Pages] = {
    "`make demo` serves until it is stopped, `make test` is this; that both exist is tested": {
        "../README.md": (f"{SESSIONS}make",),
    },
    "parts of the site itself, which is built by docs/test_site.py": {
        "*": ("{include}", "{toctree}", "{eval-rst}"),
    },
    "one moment of a terminal, at which a bar stands somewhere": {
        "reference/commands.md": ("text === [1/3] Load ===",),
    },
    "takes MariaDB, which only `make matrix` has": {
        "how-to/mariadb.md": ("python ", "sql "),
    },
    "takes that shell, as the page says": {"how-to/shell-completion.md": ("sh ", "fish ")},
    "takes a public name with its certificate; the proxies' tests ask the same in Python": {
        "how-to/proxies.md": ("console $ curl",),
    },
    "takes the reader's own live_server of pytest-django, and Playwright": {
        "how-to/testing.md": ("python page.goto",),
    },
}
