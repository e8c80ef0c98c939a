"""Where pages may be sent to: this site, and the other sites that ``REDIRECT_HOSTS`` names.

The addresses come from methods of operations, which may have them from data: of a form, say, or of
a parameter ``next``.
"""

import logging
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme

from liveops import own_code
from liveops.conf import get_settings

if TYPE_CHECKING:
    from liveops.models import LiveOperation

logger = logging.getLogger("liveops")

_LOCAL = (".localhost", "127.0.0.1", "[::1]")  # what Django takes for allowed while it debugs
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SHOWN = 200


def success_url(operation: "LiveOperation") -> str | None:
    """Return where watchers of an operation go after its success; None if they stay.

    A hook that fails, or that leads to where pages may not be sent, is logged and keeps them here.
    """
    return _ask(operation, operation.get_success_url, "get_success_url()")


def live_url(operation: "LiveOperation", *, stay: bool = False) -> str:
    """Return the address of an operation's live page; the built-in one if its own is refused.

    Args:
        operation: the operation.
        stay: whether the page is not to lead on to where the operation went on.
    """
    url = _ask(operation, operation.get_absolute_url, "get_absolute_url()")
    url = url or reverse("liveops:live", kwargs={"pk": operation.pk})
    if not stay:
        return url
    path, mark, fragment = url.partition("#")
    return f"{path}{'&' if '?' in path else '?'}stay=1{mark}{fragment}"


def told_url(operation: "LiveOperation") -> str:
    """Return what watchers are told as the address of the live page.

    It is empty where a process has none: a worker or a command runs operations all the same.
    """
    return live_url(operation) if has_pages() else ""


def has_pages() -> bool:
    """Return whether the URLconf of this process has ``liveops.urls``."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        reverse("liveops:list")
    except NoReverseMatch:
        return False
    return True


def is_allowed(url: str) -> bool:
    """Return whether a page may be sent to an address.

    A path of this site, or http(s) on a host that ``ALLOWED_HOSTS`` or ``REDIRECT_HOSTS`` names, on
    whatever port. What browsers and Python may read differently is refused: backslashes, characters
    that cannot be seen, a user's name before the host.
    """
    if "\\" in url or any(unicodedata.category(character) in _INVISIBLE for character in url):
        return False
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return False
    if not netloc and url.startswith("//"):
        return False
    if netloc and not validate_host(split_domain_port(netloc)[0], _hosts()):
        return False
    return url_has_allowed_host_and_scheme(url, {netloc} if netloc else None)


def _hosts() -> list[str]:
    named = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        named.extend(_LOCAL)
    return [*named, *get_settings().REDIRECT_HOSTS]


def _ask(operation: "LiveOperation", method: Callable[[], Any], name: str) -> str | None:
    try:
        given = own_code.ask(operation, method)
        if given is None:
            return None
        if not isinstance(given, str | Promise):
            raise TypeError(f"{name} must return a string or None, not {type(given).__name__}.")
        url = str(given).strip()
    except Exception:
        logger.exception("liveops: %s of operation %s failed", name, operation.pk)
        return None
    if not url:
        return None
    if is_allowed(url):
        return url
    logger.warning(
        "liveops: %s of operation %s leads to %r, where no page is sent: it is no path of this "
        "site, and no address on a host that ALLOWED_HOSTS names. If it is right, name its host in "
        "LIVEOPS['REDIRECT_HOSTS'].",
        name,
        operation.pk,
        url[:_SHOWN],
    )
    return None
