"""Which addresses pages may be sent to."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops import redirects
from tests.unit.helpers import hostile_text


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example.com", ".example.org", "[::1]", "*"]
    settings.LIVEOPS = {"REDIRECT_HOSTS": ["pay.example.net", ".partners.example.net"]}


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/done/",
        "/done/?next=https://evil.test/#top",
        "/a b/ü",
        "done/",
        "?page=2",
        "#result",
        "https://shop.example.com",
        "http://shop.example.com/",
        "HTTPS://SHOP.example.com./x",
        "https://shop.example.com:8443/x",
        "//shop.example.com/x",
        "https://example.org/",
        "https://a.b.example.org/",
        "http://[::1]:8000/",
        "https://pay.example.net/?sum=1",
        "https://x.partners.example.net/",
    ],
)
def test_this_site_and_named_hosts_are_allowed(url: str) -> None:
    assert redirects.is_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript://shop.example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "blob:https://shop.example.com/1",
        "file:///etc/passwd",
        "ftp://shop.example.com/",
        "mailto:a@shop.example.com",
        "https:evil.test",
        "https:/evil.test",
        "https:///evil.test",
        "https://evil.test",
        "https://evil.test/shop.example.com",
        "https://shop.example.com.evil.test",
        "https://evilshop.example.com",
        "https://notexample.org",
        "https://shop.example.com@evil.test",
        "https://evil.test@shop.example.com",
        "https://shop.example.com:@evil.test/",
        "https://evil.test#@shop.example.com",
        "https://evil.test?.shop.example.com",
        "https://evil.test\\@shop.example.com",
        "https://evil.test\uff0f.example.org",
        "https://shop.example.com:port/",
        "https://[::1",
        "https://[::1]evil.test/",
        "https://pay.example.net.evil.test",
        "https://sub.pay.example.net/",
        "//evil.test",
        "///evil.test",
        "////evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\u200b//evil.test",
        "/done/\u202e",
        "/done/\x00",
        "/done/\r\nSet-Cookie: a=b",
        "/done/\ud800",
        "http://*/",
        "/" + "x" * 5_000,
    ],
)
def test_whatever_else_is_refused(url: str) -> None:
    assert not redirects.is_allowed(url)


def test_a_star_names_no_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.LIVEOPS = ["*"], {}
    assert not redirects.is_allowed("https://evil.test/")
    assert redirects.is_allowed("/done/")


@pytest.mark.parametrize(("debug", "allowed"), [(True, True), (False, False)])
def test_without_hosts_only_this_machine_is_allowed_and_only_to_debug(
    settings: Any, debug: bool, allowed: bool
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, []
    for host in ("localhost", "app.localhost", "127.0.0.1", "[::1]"):
        assert redirects.is_allowed(f"http://{host}:8000/") is allowed
    assert not redirects.is_allowed("http://127.0.0.2/")


_HOSTS = ["evil.test", "shop.example.com", "example.org", "[::1]"]
_PARTS = st.sampled_from(
    [*_HOSTS, *"/\\:@#?. \t\n\u3002\uff0f", "//", "%2f", "http", "https:", "javascript:", ":80"]
)


@given(st.lists(_PARTS, max_size=8).map("".join) | hostile_text)
def test_an_allowed_address_has_an_allowed_host_or_none(url: str) -> None:
    if not redirects.is_allowed(url):
        return
    parts = urlsplit(url)
    assert parts.scheme in ("", "http", "https")
    assert parts.username is None
    host = (parts.hostname or "").removesuffix(".")
    assert host in ("", "shop.example.com", "::1", "pay.example.net") or host.endswith(
        ("example.org", ".partners.example.net")
    )
    assert bool(host) == bool(parts.scheme or url.strip().startswith("//"))
