"""The page of a share link: it takes the link's token, and gives a cookie for it."""

from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters

from liveops.views.base import admit
from liveops.views.cookies import give_share
from liveops.views.headers import CarefulMixin

_SHEETS = ("liveops/liveops.css", "liveops/liveops-pages.css", "liveops/liveops-base.css")


class SharedView(CarefulMixin, View):
    """The page that a share link opens, the same for every id, whether there is such an operation.

    The token stands behind the # of the link, which browsers keep to themselves. The page's script
    takes it from there and posts it; without scripts, people paste it. A site's own base template
    is left out: its scripts could read the address.
    """

    @method_decorator(sensitive_post_parameters("token"))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; should that fail, no report of it holds the token."""
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show the page."""
        return self._page(request)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Lead to the live page with a cookie for it; or show the page again, with 403.

        Which of all the things is wrong with the token is not said.
        """
        # The whole link is as good as what stands behind its #.
        token = unquote(request.POST.get("token", "").strip().rpartition("#")[2])
        found = admit(pk, None, token)
        if found is None or found.grant.expires_on is None:
            return self._page(request, is_refused=True)
        live = reverse("liveops:live", kwargs={"pk": pk})
        response = HttpResponseRedirect(live, status=303)
        give_share(response, request, pk, token, found.grant.expires_on)
        return response

    def _page(self, request: HttpRequest, *, is_refused: bool = False) -> HttpResponse:
        context = {"is_refused": is_refused, "sheets": [static(name) for name in _SHEETS]}
        response = render(
            request, "liveops/shared.html", context, status=403 if is_refused else 200
        )
        # With "no-referrer" browsers would send "Origin: null" with the form, which Django refuses.
        # Either way nobody is told what stands behind the #, and no other site is told anything.
        response.headers["Referrer-Policy"] = "same-origin"
        return response
