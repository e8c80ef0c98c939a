"""News of changed rights: whom it names, and its way to other processes and from them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from liveops import rights, rights_news
from liveops.layers import InMemoryChannelLayer
from liveops.rights import EVERYBODY, News
from liveops.rights_signals import _logged_in, _logged_out
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told() -> Iterator[list[News]]:
    """Return a list of the news of this process."""
    news: list[News] = []
    hearer = news.append
    rights.hear(hearer)
    yield news
    rights.ignore(hearer)


class Layer:
    """A layer that might reach other processes."""


class Sent:
    """Stands for the sender."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Keep it."""
        assert group == rights_news.GROUP
        self.messages.append(message)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of what goes to other processes."""
    sender = Sent()
    monkeypatch.setattr(rights_news, "sender", lambda: sender)
    monkeypatch.setattr(rights_news, "channel_layer", Layer)
    monkeypatch.setattr(rights_news, "_is_flushed_at_exit", True)
    return sender.messages


def test_news_goes_to_this_process_and_to_the_others(told: list[News], sent: list[Any]) -> None:
    rights.changed(users=[7], session_keys=["key"], operations=["op"])
    digest = rights.digest("key")
    news = News(frozenset({"7"}), frozenset({digest}), frozenset({"op"}))
    assert told == [news]
    (message,) = sent
    assert "key" not in str(message).replace("'sessions'", ""), "it would open the session"
    assert rights_news.received(message) is None, "it comes back to who sent it"
    assert rights_news.received({**message, "from": "another process"}) == news
    assert rights_news.received({**message, "after_gap": True}) == EVERYBODY
    assert rights_news.received({"type": rights_news.GROUP}) == News(), "of another version"


@pytest.mark.parametrize("layer", [None, InMemoryChannelLayer()], ids=["none", "in memory"])
def test_a_layer_that_reaches_nobody_else_is_sent_nothing(
    layer: Any, told: list[News], sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights_news, "channel_layer", lambda: layer)
    rights.changed(users=[7])
    assert (len(told), sent) == (1, [])


def test_too_much_at_once_is_for_everybody(told: list[News]) -> None:
    rights.changed(operations=range(1_000))
    rights.changed(operations=range(1_001), session_keys=["key"])
    rights.changed()
    few, many = told
    assert (len(few.operations), few.everybody) == (1_000, False)
    assert many == News(sessions=frozenset({rights.digest("key")}), everybody=True)


def test_log_in_and_log_out_name_the_session_that_is_over(told: list[News]) -> None:
    def request(key: str | None, cookie: str | None) -> Any:
        session = type("Session", (), {"session_key": key})()
        cookies = {} if cookie is None else {"sessionid": cookie}
        return type("Request", (), {"session": session, "COOKIES": cookies})()

    user: Any = type("User", (), {"pk": 7})()
    for key, cookie in (("new", None), ("same", "same")):
        _logged_in(request(key, cookie), user)
    _logged_out(request(None, None), None)
    _logged_out(None, None)
    assert told == []
    _logged_in(request("new", "old"), user)
    _logged_out(request("left", "left"), AnonymousUser())
    _logged_out(None, user)
    over = [rights.digest(key) for key in ("old", "left")]
    assert [news.sessions for news in told] == [frozenset({each}) for each in over] + [frozenset()]
    assert told[-1].users == {"7"}


def test_what_is_saved_of_a_user_at_each_log_in_is_no_news(told: list[News]) -> None:
    user = User.objects.create(username="somebody")
    user.save(update_fields=["last_login"])
    assert told == []
    user.save(update_fields=["last_login", "is_active"])
    user.save()
    assert [news.users for news in told] == [frozenset({str(user.pk)})] * 2


def test_an_operation_is_news_only_with_another_owner(told: list[News]) -> None:
    owner = User.objects.create(username="owner")
    walk = Walk.objects.create(owner=owner)
    walk.save()
    loaded = Walk.objects.defer("owner").get()
    loaded.save(update_fields=["language"])
    assert told == []
    walk.owner = None
    walk.save(update_fields=["owner"])
    walk.save()
    assert [news.operations for news in told] == [frozenset({str(walk.pk)})]
    told.clear()
    pk = str(walk.pk)
    walk.delete()
    assert [news.operations for news in told] == [frozenset({pk})], "once, for both of its rows"
