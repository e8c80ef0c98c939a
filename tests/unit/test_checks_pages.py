"""What pages lack in a project is told, with what to write; where nothing is amiss, nothing is."""

import sys
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core import checks
from django.core.checks import CheckMessage
from django.http import HttpResponse
from django.urls import include, path, reverse_lazy

from liveops.checks import check_pages
from liveops.checks import pages as checked

LIVE = path("live/", include("liveops.urls"))
LOGIN = path("accounts/login/", lambda request: HttpResponse(), name="login")
NOWHERE = "/accounts/login/"


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes this process seem to run a command; it runs none else."""

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["manage.py", *words])

    run("check")
    return run


@pytest.fixture
def urls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what gives the project these addresses."""

    def have(*patterns: Any) -> None:
        module = ModuleType(f"urls_{id(patterns)}")
        module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return have


def ids(messages: list[CheckMessage]) -> list[str]:
    assert all(one.level == checks.WARNING and one.hint for one in messages)
    return [str(one.id) for one in messages]


def test_this_project_lacks_nothing() -> None:
    assert check_pages(None) == []


def test_without_django_htmx_pages_stay_as_they_are(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_htmx"]
    (found,) = check_pages(None)
    assert ids([found]) == ["liveops.W013"]
    assert "'django_htmx' into INSTALLED_APPS" in str(found.hint)


def test_addresses_that_are_missing_are_named_with_the_line_to_write(urls: Any) -> None:
    urls(LOGIN)
    (found,) = check_pages(None)
    assert ids([found]) == ["liveops.W014"]
    assert "path('live/', include('liveops.urls'))" in str(found.hint)


def test_addresses_below_a_namespace_are_none(urls: Any) -> None:
    urls(LOGIN, path("shop/", include(([LIVE], "shop"))))
    assert ids(check_pages(None)) == ["liveops.W014"]


def test_addresses_may_stand_anywhere_else(urls: Any, settings: Any) -> None:
    urls(path("a/", include([path("b/", include([LIVE]))])), LOGIN)
    assert check_pages(None) == []
    urls(*i18n_patterns(LIVE, LOGIN))
    assert check_pages(None) == []


@pytest.mark.parametrize("name", [None, ""])
def test_a_process_without_addresses_serves_no_pages(settings: Any, name: Any) -> None:
    settings.ROOT_URLCONF = name
    assert check_pages(None) == []


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("logn", "LOGIN_URL names no page"),
        ("admin:login", "LOGIN_URL names no page"),
        (reverse_lazy("nothing"), "LOGIN_URL names no page"),
        ("", "LOGIN_URL names no page"),
        (NOWHERE, "LOGIN_URL is '/accounts/login/' as long as it is not set"),
    ],
)
def test_a_login_that_is_nowhere(urls: Any, settings: Any, address: Any, part: str) -> None:
    urls(LIVE)
    settings.LOGIN_URL = address
    (found,) = check_pages(None)
    assert ids([found]) == ["liveops.W015"]
    assert part in found.msg
    assert "LOGIN_URL = 'admin:login'" in str(found.hint)


@pytest.mark.parametrize(
    "address",
    [
        "login",
        reverse_lazy("login"),
        NOWHERE,
        "/accounts/login",
        "/accounts/login/?from=live#form",
        "https://login.example.com/",
        "//login.example.com/",
        "/sso/",
    ],
)
def test_a_login_that_is_somewhere(urls: Any, settings: Any, address: Any) -> None:
    urls(LIVE, LOGIN)
    settings.LOGIN_URL = address
    assert check_pages(None) == []


def test_a_path_that_a_proxy_may_serve_is_looked_at_while_debugging(
    urls: Any, settings: Any
) -> None:
    urls(LIVE, LOGIN)
    settings.LOGIN_URL, settings.DEBUG = "/acounts/login/", True
    (found,) = check_pages(None)
    assert ids([found]) == ["liveops.W015"]
    assert "'/acounts/login/'" in found.msg


@pytest.mark.parametrize(
    ("address", "found"), [("/site/accounts/login/", []), (NOWHERE, ["liveops.W015"])]
)
def test_a_site_below_a_path(
    urls: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, address: str, found: list[str]
) -> None:
    monkeypatch.setattr(checked, "get_script_prefix", lambda: "/site/")
    urls(LIVE, LOGIN)
    settings.LOGIN_URL = address
    assert ids(check_pages(None)) == found


def test_where_nobody_logs_in_no_login_is_missed(urls: Any, settings: Any) -> None:
    urls(LIVE)
    middleware = settings.MIDDLEWARE
    remote = "django.contrib.auth.middleware.PersistentRemoteUserMiddleware"
    settings.MIDDLEWARE = [*middleware, remote]
    assert check_pages(None) == []
    settings.MIDDLEWARE = []
    assert check_pages(None) == []
    settings.MIDDLEWARE = middleware
    assert ids(check_pages(None)) == ["liveops.W015"]


def test_runserver_without_sockets_is_told_where_it_is_called(command: Any) -> None:
    command("runserver", "8001")
    (found,) = check_pages(None)
    assert ids([found]) == ["liveops.W016"]
    assert "'daphne' as the first of INSTALLED_APPS" in str(found.hint)
    for words in ((), ("migrate",), ("check", "runserver")):
        command(*words)
        assert check_pages(None) == []


def test_a_runserver_that_a_package_brings_is_believed(
    command: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("runserver")
    settings.INSTALLED_APPS = ["daphne", *settings.INSTALLED_APPS]
    assert check_pages(None) == []
    settings.INSTALLED_APPS = settings.INSTALLED_APPS[1:]
    monkeypatch.setattr(checked, "get_commands", lambda: {"runserver": "a_server_of_their_own"})
    assert check_pages(None) == []
