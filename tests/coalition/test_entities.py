"""Entities: what the database keeps true of them, and their merging."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from coalition import actions
from coalition.models import ENTITY_KINDS, Entity
from coalition.models.entities import TERRITORIAL_KINDS
from knowledge.models import Resource
from tests.factories import EntityFactory, UserFactory, published_resource

pytestmark = pytest.mark.django_db


@contextmanager
def refused(rule: str) -> Iterator[None]:
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        yield


def test_every_rule_of_an_entity_is_named_in_this_file() -> None:
    source = Path(__file__).read_text(encoding="utf-8")

    assert [rule.name for rule in Entity._meta.constraints if rule.name not in source] == []


@pytest.mark.parametrize("kind", ENTITY_KINDS)
def test_kind_of_the_vocabulary_is_taken(kind: str) -> None:
    country = "GHA" if kind in TERRITORIAL_KINDS else None

    assert Entity.objects.filter(pk=EntityFactory(kind=kind, country_id=country).pk, kind=kind).exists()


@pytest.mark.parametrize("kind", ["", "club"])
def test_other_kind_is_refused(kind: str) -> None:
    with refused("entity_kind_is_in_the_vocabulary"):
        Entity.objects.filter(pk=EntityFactory().pk).update(kind=kind)


@pytest.mark.parametrize("kind", TERRITORIAL_KINDS)
def test_government_without_a_country_is_refused_unless_it_is_an_example(kind: str) -> None:
    with refused("government_has_a_country"):
        EntityFactory(kind=kind, country=None)
    with refused("government_has_a_country"):
        Entity.objects.filter(pk=EntityFactory(kind=kind, country_id="GHA").pk).update(country=None)

    assert EntityFactory(kind=kind, country_id="GHA").pk
    assert EntityFactory(kind=kind, country=None, is_example=True).pk
    assert EntityFactory(kind="un-body", country=None).pk


def test_logo_without_a_permission_is_refused() -> None:
    entity = EntityFactory()

    with refused("logo_has_a_permission"):
        Entity.objects.filter(pk=entity.pk).update(logo="logos/a.png")
    Entity.objects.filter(pk=entity.pk).update(logo="logos/a.png", logo_permission="By mail, 5 May 2026.")
    with refused("logo_has_a_permission"):
        Entity.objects.filter(pk=entity.pk).update(logo_permission="")
    assert Entity.objects.filter(pk=entity.pk).update(logo="", logo_permission="")


def test_checked_is_when_and_by_whom_or_neither() -> None:
    """The rule entity_checked_when_and_by_whom."""
    entity, unchecked = EntityFactory(), EntityFactory(unchecked=True)

    assert (unchecked.checked_at, unchecked.checked_by) == (None, None)
    for half in ({"checked_at": None}, {"checked_by": None}):
        with refused("entity_checked_when_and_by_whom"):
            Entity.objects.filter(pk=entity.pk).update(**half)
    with refused("entity_checked_when_and_by_whom"):
        Entity.objects.filter(pk=unchecked.pk).update(checked_by=UserFactory())


def test_entity_merged_into_itself_is_refused() -> None:
    entity, other = EntityFactory(), EntityFactory()

    Entity.objects.filter(pk=entity.pk).update(merged_into=other)
    with refused("entity_is_not_merged_into_itself"):
        Entity.objects.filter(pk=other.pk).update(merged_into=other)


@pytest.mark.parametrize("name", ["", None])
def test_entity_without_an_english_name_is_refused(name: str | None) -> None:
    with refused("entity_has_a_name"):
        Entity.objects.filter(pk=EntityFactory().pk).update(official_name_en=name)


def test_name_is_unique_within_a_country() -> None:
    EntityFactory(official_name_en="Ministry of Environment", country_id="GHA")
    EntityFactory(official_name_en="Ministry of Environment", country_id="NGA")

    with refused("entity_name_unique_in_a_country"):
        EntityFactory(official_name_en=" ministry of ENVIRONMENT ", country_id="GHA")


def test_name_is_unique_where_no_country_is_known() -> None:
    EntityFactory(official_name_en="Basel Action Network")

    with refused("entity_name_unique_in_a_country"):
        EntityFactory(official_name_en="Basel Action Network")


def test_name_of_a_merged_entity_is_free() -> None:
    EntityFactory(official_name_en="StEP", merged_into=EntityFactory())

    assert EntityFactory(official_name_en="StEP").pk


def test_slug_is_unique() -> None:
    EntityFactory(slug="itu")

    with refused("slug"):
        EntityFactory(slug="itu")


def test_website_and_domains_may_be_empty() -> None:
    entity = EntityFactory()

    entity.full_clean()

    assert (entity.website, entity.domains) == ("", [])


# Merging ---------------------------------------------------------------------------------------------


def test_merged_entity_gives_way_to_the_other() -> None:
    old, new = EntityFactory(), EntityFactory()

    actions.merge(entity=old, into=new, by=UserFactory())

    assert list(Entity.objects.public()) == [new]
    assert Entity.objects.get(pk=old.pk).merged_into == new


def test_what_was_merged_before_follows() -> None:
    first, second, third = EntityFactory(), EntityFactory(), EntityFactory()
    actions.merge(entity=first, into=second, by=UserFactory())

    actions.merge(entity=second, into=third, by=UserFactory())

    assert set(Entity.objects.filter(merged_into=third)) == {first, second}


def test_merging_in_a_circle_is_refused() -> None:
    old, new = EntityFactory(), EntityFactory()
    actions.merge(entity=old, into=new, by=UserFactory())

    with pytest.raises(ValidationError):
        actions.merge(entity=new, into=old, by=UserFactory())
    with pytest.raises(ValidationError):
        actions.merge(entity=new, into=new, by=UserFactory())

    assert list(Entity.objects.public()) == [new]


def test_works_of_a_merged_entity_are_works_of_what_it_became() -> None:
    old, new, stranger = EntityFactory(), EntityFactory(), EntityFactory()
    one, two = published_resource(publishers=[old]), published_resource(publishers=[old, new])
    published_resource(publishers=[stranger])

    actions.merge(entity=old, into=new, by=UserFactory())

    assert set(Resource.objects.published_by_entity(new)) == {one, two}
    assert Resource.objects.published_by_entity(new).count() == 2


# Names -------------------------------------------------------------------------------------------------


def test_entity_is_looked_up_by_any_of_its_names() -> None:
    entity = EntityFactory(
        official_name_en="World Health Organization", short_name_en="WHO", official_name_ru="Всемирная организация"
    )
    EntityFactory()

    found = {words: list(Entity.objects.named_like(words)) for words in ("health", "who", "всемирная", "absent")}

    assert found == {"health": [entity], "who": [entity], "всемирная": [entity], "absent": []}


@pytest.mark.parametrize(
    ("official", "short", "monogram"),
    [
        ("World Health Organization", "WHO", "WHO"),
        ("Ministry of Environment", "", "MOE"),
        ("adelphi", "", "A"),
        ("Öko-Institut", "", "ÖI"),
        ("", "", ""),
    ],
)
def test_monogram_has_the_first_letters(official: str, short: str, monogram: str) -> None:
    assert Entity(official_name_en=official, short_name_en=short).monogram == monogram


def test_shipped_entities_are_loaded_once_and_what_staff_changed_stays() -> None:
    call_command("load_entities", verbosity=0)
    count = Entity.objects.count()
    Entity.objects.filter(slug="itu").update(website="https://changed.example.org")

    call_command("load_entities", verbosity=0)

    assert count == 115
    assert Entity.objects.count() == count
    assert Entity.objects.get(slug="itu").website == "https://changed.example.org"
