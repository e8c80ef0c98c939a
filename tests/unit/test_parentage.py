"""Classes of several apps may have one name; nobody's migrations know of it."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.db.migrations.state import ModelState
from django.test.utils import isolate_apps

from liveops.models import LiveOperation

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def isolated() -> Any:
    with isolate_apps("tests.testapp", "airports", "gallery"):
        yield


def operation(label: str, base: Any = LiveOperation, **options: Any) -> Any:
    """Return a class ``Import`` in an app."""
    meta = type("Meta", (), {"app_label": label, **options})
    return type("Import", (base,), {"__module__": __name__, "Meta": meta})


def called(model: Any) -> str:
    """Return the attribute of a parent that leads to a class."""
    (link,) = [each for each in model._meta.parents.values() if each is not None]
    name: str = link.remote_field.get_accessor_name()
    assert link.related_query_name() == name
    return name


def test_the_first_has_the_plain_name_and_others_their_app_s_too() -> None:
    found = [called(operation(label)) for label in ("testapp", "airports", "gallery")]
    assert found == ["import", "airports_import", "gallery_import"]


def test_a_class_of_an_abstract_one_is_told_apart_too() -> None:
    base = operation("testapp", abstract=True)
    assert called(operation("gallery", base)) == "import"
    assert called(operation("airports", base)) == "airports_import"


def test_a_migration_does_not_say_which_it_is() -> None:
    first, second = (ModelState.from_model(operation(label)) for label in ("testapp", "airports"))
    links = [state.fields["liveoperation_ptr"].deconstruct()[1:] for state in (first, second)]
    assert links[0] == links[1]
    assert "related_name" not in links[1][2]


def test_what_the_project_has_named_itself_stays() -> None:
    operation("testapp", default_related_name="imports_of_the_test")
    assert called(operation("airports")) == "import"
    assert called(operation("gallery", default_related_name="pictures")) == "pictures"


def test_a_proxy_and_a_class_of_another_parent_take_no_name() -> None:
    operation("testapp", proxy=True)
    assert called(operation("airports")) == "import"
    of_another = operation("gallery", operation("other"))
    assert called(of_another) == "import"


def test_a_link_of_the_project_s_own_stays_as_it_is() -> None:
    operation("testapp")

    class Import(LiveOperation):
        link = models.OneToOneField(
            LiveOperation, models.CASCADE, parent_link=True, related_name="of_the_airport"
        )

        class Meta:
            app_label = "airports"

    assert called(Import) == "of_the_airport"


def test_no_class_of_this_project_is_called_otherwise() -> None:
    for model in apps.get_models():
        if issubclass(model, LiveOperation) and model is not LiveOperation:
            links: list[Any] = list(model._meta.parents.values())
            assert all(one.related_query_name() == model._meta.model_name for one in links if one)
