"""Say to uv what pip is configured with, so that both fetch the same packages from the same place.

uv has names of its own for indexes, certificates and proxies, and reads none of pip's.
"""

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

# The sections that hold for `pip install`; a later one goes before an earlier one.
_SECTIONS = ("global", "install", ":env:")
_LINE = re.compile(r"^(?P<section>global|install|:env:)\.(?P<name>[\w.-]+)=(?P<value>['\"].*)$")

# An option of pip -> the option of uv that takes the same values, once for each.
_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
# An option of pip -> the variables that say the same to uv.
_VARIABLES = {
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
}
# What changes only how pip itself works or speaks.
_NO_MATTER = {
    "break-system-packages", "cache-dir", "compile", "disable-pip-version-check", "no-cache-dir",
    "no-color", "no-compile", "no-input", "no-python-version-warning", "no-warn-script-location",
    "prefer-binary", "progress-bar", "quiet", "require-virtualenv", "require-venv", "retries",
    "root-user-action", "use-deprecated", "use-feature", "user", "verbose",
}  # fmt: skip


class UntranslatableError(Exception):
    """pip is configured with something that uv is not known to have."""


@dataclass(frozen=True)
class UvSettings:
    """How uv is to be called.

    Attributes:
        options: for the command line of `uv pip install`.
        variables: for its environment.
    """

    options: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def translated(listing: str, environ: Mapping[str, str]) -> UvSettings:
    """Return what makes uv do as pip would.

    Args:
        listing: what `pip config list` prints.
        environ: the variables that pip runs with.

    Raises:
        UntranslatableError: with the name of an option that uv is not known to have.
    """
    # pip takes the best version of all indexes; uv by itself takes the first index that has any.
    settings = UvSettings(["--index-strategy", "unsafe-best-match"])
    for name, value in _configured(listing).items():
        if name in _OPTIONS:
            for each in value.split():
                settings.options.extend([_OPTIONS[name], each])
        elif name in _VARIABLES:
            settings.variables.update(dict.fromkeys(_VARIABLES[name], value))
        elif name == "no-index":
            settings.options.extend(["--no-index"] if _is_yes(value) else [])
        elif name not in _NO_MATTER:
            raise UntranslatableError(name)
    if bundle := environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE"):
        settings.variables.setdefault("SSL_CERT_FILE", bundle)
    if "SSL_CERT_FILE" not in settings.variables | dict(environ):
        # As pip does; the name changed between versions of uv.
        settings.variables.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
    return settings


def of_registry(settings: UvSettings) -> UvSettings:
    """Return the settings without what only this machine adds to the registry.

    What everybody is to install may come from neither a folder, a second index nor a constraint.
    """
    return _only({"--default-index", "--allow-insecure-host"}, settings)


def of_pinned(settings: UvSettings) -> UvSettings:
    """Return the settings without constraints.

    Where every version is pinned they have nothing to say, and uv refuses those without a hash.
    """
    others = {*_OPTIONS.values(), "--index-strategy", "--no-index"} - {"--constraint"}
    return _only(others, settings)


def _only(names: Collection[str], settings: UvSettings) -> UvSettings:
    options = settings.options
    starts = [at for at, part in enumerate(options) if part.startswith("--")]
    groups = [options[at:end] for at, end in pairwise([*starts, len(options)])]
    kept = [part for group in groups if group[0] in names for part in group]
    return UvSettings(kept, settings.variables)


def _configured(listing: str) -> dict[str, str]:
    """Return the options that hold for `pip install`."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listing.splitlines():
        if match := _LINE.match(line):
            found[match["section"]][match["name"]] = ast.literal_eval(match["value"])
    return {name: value for section in _SECTIONS for name, value in found[section].items()}


def _is_yes(value: str) -> bool:
    return value.strip().lower() in {"1", "on", "t", "true", "y", "yes"}
