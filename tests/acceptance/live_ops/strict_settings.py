"""The same site with the package's own base template and a policy that allows nonces only.

Django 6 brings a middleware for that; with Django 5 it is that of django-csp.
"""

from typing import Any

import django

from example.settings import TEMPLATES as EXAMPLE_TEMPLATES
from tests.acceptance.live_ops.settings import *  # noqa: F403
from tests.acceptance.live_ops.settings import LIVEOPS as PLAIN_LIVEOPS
from tests.acceptance.live_ops.settings import MIDDLEWARE as PLAIN_MIDDLEWARE

LIVEOPS = {**PLAIN_LIVEOPS, "BASE_TEMPLATE": "liveops/base.html"}

_NONCE: Any
if django.VERSION >= (6, 0):
    from django.utils.csp import CSP

    _NONE, _SELF, _NONCE = str(CSP.NONE), str(CSP.SELF), str(CSP.NONCE)
    _POLICED_BY = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    _NONCE_FOR_TEMPLATES = "django.template.context_processors.csp"
else:
    from csp.constants import NONCE, NONE, SELF

    _NONE, _SELF, _NONCE = NONE, SELF, NONCE  # its nonce is an object of its own kind
    _POLICED_BY = "csp.middleware.CSPMiddleware"
    _NONCE_FOR_TEMPLATES = "tests.acceptance.live_ops.nonces.csp"

_DIRECTIVES = {
    "default-src": [_NONE],
    "base-uri": [_NONE],
    "connect-src": [_SELF],
    "form-action": [_SELF],
    "frame-ancestors": [_NONE],
    "img-src": [_SELF],
    "object-src": [_NONE],
    "script-src": [_NONCE],
    "style-src": [_NONCE],
}
SECURE_CSP = _DIRECTIVES
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _DIRECTIVES}
MIDDLEWARE = [
    _POLICED_BY if name == "csp.middleware.CSPMiddleware" else name for name in PLAIN_MIDDLEWARE
]
_TEMPLATES: dict[str, Any] = EXAMPLE_TEMPLATES[0]
_OPTIONS: dict[str, Any] = _TEMPLATES["OPTIONS"]
_PROCESSORS = [*_OPTIONS["context_processors"], _NONCE_FOR_TEMPLATES]
TEMPLATES = [{**_TEMPLATES, "OPTIONS": {**_OPTIONS, "context_processors": _PROCESSORS}}]
