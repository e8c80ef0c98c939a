"""What Django 6 has built in: the nonce of django-csp under the name that templates know."""

from django.http import HttpRequest


def csp(request: HttpRequest) -> dict[str, object]:
    """Give templates `csp_nonce`."""
    return {"csp_nonce": getattr(request, "csp_nonce", None)}
