"""The headers of our answers: what browsers may keep of them, guess from them, and tell others."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

NEVER_KEPT = {"Cache-Control": "private, no-store"}
"""For what is private and costs little to send again: nobody finds it in a browser's store."""

ASKED_AGAIN = {"Cache-Control": "private, no-cache"}
"""For what a browser keeps and asks about again: whether it may still show it is asked, too."""


class CarefulMixin:
    """Gives a view's answers careful headers, and has every POST carry the token against CSRF.

    That one is asked for even where the project has no middleware for it. Headers that the view
    sets itself stay. Who may put a page into a frame is the site's to say. Such a view decides
    itself who is let in, so Django's middleware that leads all to the login lets it be.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view as a function, marked for that middleware."""
        view: Any = super().as_view(**initkwargs)  # type: ignore[misc]
        marked: Callable[..., HttpResponseBase] = login_not_required(view)
        return marked

    @method_decorator(csrf_protect)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and add what the answer lacks."""
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        for name, value in careful_headers().items():
            response.headers.setdefault(name, value)
        return response


def careful_headers() -> dict[str, str]:
    """Return the headers of an answer that says nothing else.

    The policy for referrers is the site's, as Django's own middleware would set it; but never none.
    """
    given: Any = settings.SECURE_REFERRER_POLICY or "same-origin"
    names = given.split(",") if isinstance(given, str) else given
    return {
        **NEVER_KEPT,
        "Referrer-Policy": ",".join(name.strip() for name in names),
        "X-Content-Type-Options": "nosniff",
    }
