"""Every constraint and trigger of the library, both ways, by raw SQL or `update()`: what Python would stop is not tried here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, InternalError, connection, transaction
from django.utils import timezone, translation

from ewaste_portal.models import PastSlug, User
from knowledge import actions
from knowledge.models import Edition, Resource, ResourcePublisher, Synonym
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    SynonymFactory,
    TopicFactory,
    UserFactory,
    published_resource,
    withdrawn_resource,
)

pytestmark = pytest.mark.django_db


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """The database refuses the block, at once or at its end, and names the rule."""
    with pytest.raises((IntegrityError, InternalError), match=rule), transaction.atomic():  # noqa: PT012  checked at once
        yield
        connection.check_constraints()


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_every_rule_of_the_models_is_named_in_this_file() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    models = [
        model for model in apps.get_app_config("knowledge").get_models() if not model._meta.model_name.endswith("event")
    ]
    rules = [rule.name for model in models for rule in model._meta.constraints]
    rules += [trigger.name for model in models for trigger in getattr(model._meta, "triggers", ())]
    rules = [rule for rule in rules if not rule.endswith(("_insert", "_update", "_delete"))]  # of the history

    assert len(rules) >= 25
    assert [rule for rule in rules if rule not in source] == []


# What one row may hold ---------------------------------------------------------------------------

DOI = "10.1016/j.wasman.2019.08.012"


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("resource_type_is_in_the_vocabulary", {"resource_type": "poem"}),
        ("resource_type_is_in_the_vocabulary", {"resource_type": ""}),
        ("resource_rights_are_in_the_vocabulary", {"rights": "mine"}),
        ("resource_categories_are_in_the_vocabulary", {"categories": ["screens-and-monitors", "cars"]}),
        ("resource_targets_are_in_the_vocabulary", {"sdg_targets": ["99.9"]}),
        ("resource_state_is_in_the_vocabulary|Invalid transition", {"state": "lost"}),
        ("resource_has_a_title", {"original_title": ""}),
        ("resource_language_is_iso_639_1", {"original_language": "EN"}),
        ("resource_language_is_iso_639_1", {"original_language": "e"}),
        ("resource_language_is_iso_639_1", {"original_language": ""}),
        ("resource_year_is_plausible", {"year": 1949}),
        ("resource_year_is_plausible", {"year": 2101}),
        ("resource_day_lies_in_its_year", {"year": 2019, "published_on": date(2020, 1, 1)}),
        ("resource_doi_is_well_formed", {"doi": "10.1/x"}),
        ("resource_doi_is_well_formed", {"doi": "https://doi.org/" + DOI}),
        ("resource_doi_is_well_formed", {"doi": DOI.upper()}),
        ("resource_doi_is_well_formed", {"doi": "10.1016/a b"}),
        ("resource_doi_is_well_formed", {"doi": "10.1016/"}),
    ],
)
def test_wrong_value_of_a_resource_is_refused(rule: str, values: dict[str, Any]) -> None:
    resource = ResourceFactory()

    with refused(rule):
        Resource.objects.filter(pk=resource.pk).update(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"resource_type": "dataset"},
        {"rights": "cc-by-4.0"},
        {"categories": []},
        {"categories": ["screens-and-monitors", "lamps"]},
        {"sdg_targets": ["12.5", "12.4"]},
        {"original_title": "П"},
        {"original_language": "pt"},
        {"year": None},
        {"year": 1950},
        {"year": 2100},
        {"year": 2019, "published_on": date(2019, 12, 31)},
        {"doi": ""},
        {"doi": DOI},
        {"doi": "10.123456789/(sici)1097-0010<1::aid>3.0.co;2-z"},
    ],
)
def test_right_value_of_a_resource_is_taken(values: dict[str, Any]) -> None:
    resource = ResourceFactory()

    Resource.objects.filter(pk=resource.pk).update(**values)

    connection.check_constraints()
    assert Resource.objects.filter(pk=resource.pk).values(*values).get() == values


def test_day_without_a_year_is_refused() -> None:
    resource = ResourceFactory(year=None)

    with refused("resource_day_lies_in_its_year"):
        Resource.objects.filter(pk=resource.pk).update(published_on=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("edition_language_is_iso_639_1", {"language": "eng"[:2].upper()}),
        ("edition_language_is_iso_639_1", {"language": ""}),
        ("edition_isbn_is_well_formed", {"isbn": "9789280890548"}),  # check digit
        ("edition_isbn_is_well_formed", {"isbn": "978-92-808-9054-9"}),
        ("edition_isbn_is_well_formed", {"isbn": "0306406152"}),
        ("edition_isbn_is_well_formed", {"isbn": "9771234567898"}),
        ("edition_year_is_plausible", {"year": 1949}),
        ("edition_year_is_plausible", {"year": 2101}),
        ("edition_address_is_on_the_web", {"url": "javascript:alert(1)"}),
        ("edition_address_is_on_the_web", {"url": "ftp://example.org/a.pdf"}),
        ("pages_check", {"pages": -1}),
        ("size_bytes_check", {"size_bytes": -1}),
    ],
)
def test_wrong_value_of_an_edition_is_refused(rule: str, values: dict[str, Any]) -> None:
    edition = EditionFactory()

    with refused(rule):
        columns = ", ".join(f"{name} = %s" for name in values)
        sql(f"UPDATE knowledge_edition SET {columns} WHERE id = %s", *values.values(), edition.pk)


@pytest.mark.parametrize(
    "values",
    [
        {"language": "zh"},
        {"isbn": ""},
        {"isbn": "9789280890549"},
        {"isbn": "9791090636071"},
        {"year": None},
        {"year": 1950},
        {"url": ""},
        {"url": "http://example.org/"},
    ],
)
def test_right_value_of_an_edition_is_taken(values: dict[str, Any]) -> None:
    edition = EditionFactory()

    Edition.objects.filter(pk=edition.pk).update(**values)

    assert Edition.objects.filter(pk=edition.pk).values(*values).get() == values


def test_synonym_needs_two_terms() -> None:
    synonym = SynonymFactory()

    Synonym.objects.filter(pk=synonym.pk).update(terms=["WEEE", "e-waste"])
    with refused("synonym_has_two_terms"):
        Synonym.objects.filter(pk=synonym.pk).update(terms=["WEEE"])


def test_synonym_without_any_term_is_refused() -> None:
    synonym = SynonymFactory()

    with refused("synonym_has_two_terms"):
        Synonym.objects.filter(pk=synonym.pk).update(terms=[])


# What rows may hold together -----------------------------------------------------------------------


def test_slugs_are_unique() -> None:
    one, other = ResourceFactory(), ResourceFactory()
    topic, other_topic = TopicFactory(), TopicFactory()
    synonym, other_synonym = SynonymFactory(), SynonymFactory()

    with refused("slug"):
        Resource.objects.filter(pk=one.pk).update(slug=other.slug)
    with refused("slug"):
        type(topic).objects.filter(pk=topic.pk).update(slug=other_topic.slug)
    with refused("concept"):
        Synonym.objects.filter(pk=synonym.pk).update(concept=other_synonym.concept)


def test_isbn_belongs_to_one_edition_edition_isbn_unique() -> None:
    EditionFactory(isbn="9789280890549")
    EditionFactory(isbn="")
    EditionFactory(isbn="")

    with refused("edition_isbn_unique"):
        EditionFactory(isbn="9789280890549")


def test_doi_belongs_to_one_living_work() -> None:
    published_resource(doi=DOI)
    ResourceFactory(doi="")
    ResourceFactory(doi="")

    with refused("resource_doi_unique_among_living_works"):
        ResourceFactory(doi=DOI)


def test_doi_of_a_withdrawn_work_is_free_again() -> None:
    withdrawn_resource(doi=DOI)

    successor = published_resource(doi=DOI)

    assert list(Resource.objects.published().filter(doi=DOI)) == [successor]


def test_doi_is_not_free_for_a_work_that_comes_back() -> None:
    withdrawn = withdrawn_resource(doi=DOI)
    published_resource(doi=DOI)

    with refused("resource_doi_unique_among_living_works"):
        set_state(withdrawn, "published", withdrawn.published_by)


def test_publisher_is_named_once() -> None:
    one, other = EntityFactory(), EntityFactory()
    resource = ResourceFactory(publishers=[one, other])

    with refused("resource_names_a_publisher_once"):
        ResourcePublisher.objects.create(resource=resource, entity=one)


def test_publisher_of_a_resource_cannot_be_deleted() -> None:
    entity = EntityFactory()
    ResourceFactory(publishers=[entity])

    with refused("coalition_entity"):
        sql("DELETE FROM coalition_entity WHERE id = %s", entity.pk)


# States ----------------------------------------------------------------------------------------------

STATES = ("draft", "in-review", "published", "withdrawn")
STEPS = {
    ("draft", "in-review"),
    ("in-review", "draft"),
    ("draft", "published"),
    ("in-review", "published"),
    ("published", "withdrawn"),
    ("withdrawn", "published"),
}


def in_state(state: str, by: User) -> Resource:
    resource = EditionFactory().resource
    if state == "in-review":
        actions.submit(resource=resource, by=by)
    if state in {"published", "withdrawn"}:
        actions.publish(resource=resource, by=by)
    if state == "withdrawn":
        actions.withdraw(resource=resource, by=by, reason="Replaced.")
    return resource


def set_state(resource: Resource, state: str, by: User) -> None:
    """By raw SQL, with all that goes with the state, so that only the step itself can be wrong."""
    dates = {
        "submitted": state == "in-review",
        "published": state in {"published", "withdrawn"},
        "withdrawn": state == "withdrawn",
    }
    columns = ", ".join(
        f"{name}_at = {'now()' if has else 'NULL'}, {name}_by_id = {by.pk if has else 'NULL'}"
        for name, has in dates.items()
    )
    reason = "Replaced." if state == "withdrawn" else ""
    sql(
        f"UPDATE knowledge_resource SET state = %s, withdrawal_reason = %s, {columns} WHERE id = %s",
        state,
        reason,
        resource.pk,
    )


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(STATES, STATES) if pair[0] != pair[1]])
def test_states_follow_each_other_as_resource_states_says(before: str, after: str) -> None:
    by = UserFactory()
    resource = in_state(before, by)

    if (before, after) in STEPS:
        set_state(resource, after, by)
        connection.check_constraints()
        assert Resource.objects.get(pk=resource.pk).state == after
    else:
        with refused("Invalid transition"):
            set_state(resource, after, by)


@pytest.mark.parametrize("name", ["submitted", "published", "withdrawn"])
@pytest.mark.parametrize("missing", ["at", "by"])
def test_who_and_when_travel_together(name: str, missing: str) -> None:
    by = UserFactory()
    state = {"submitted": "in-review"}.get(name, name)
    resource = in_state(state, by)
    rule = {
        "submitted": "resource_submitted_when_and_by_whom|resource_in_review_was_submitted",
        "published": "resource_published_when_and_by_whom|resource_published_has_a_date",
        "withdrawn": "resource_withdrawn_when_by_whom_and_why|resource_withdrawn_has_a_date_and_no_other_has",
    }[name]

    with refused(rule):
        Resource.objects.filter(pk=resource.pk).update(**{f"{name}_{missing}": None})


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("resource_submitted_when_and_by_whom", "submitted"),
        ("resource_published_when_and_by_whom", "published"),
        ("resource_withdrawn", "withdrawn"),
    ],
)
def test_draft_has_no_half_of_who_and_when(rule: str, name: str) -> None:
    by = UserFactory()
    resource = ResourceFactory()

    with refused(rule):
        Resource.objects.filter(pk=resource.pk).update(**{f"{name}_at": timezone.now()})
    with refused(rule):
        Resource.objects.filter(pk=resource.pk).update(**{f"{name}_by": by})


@pytest.mark.parametrize(
    ("rule", "state", "fields"),
    [
        ("resource_in_review_was_submitted", "in-review", {"submitted_at": None, "submitted_by": None}),
        ("resource_published_has_a_date", "published", {"published_at": None, "published_by": None}),
        (
            "resource_withdrawn_has_a_date_and_no_other_has",
            "withdrawn",
            {"withdrawn_at": None, "withdrawn_by": None, "withdrawal_reason": ""},
        ),
        ("resource_withdrawn_when_by_whom_and_why", "withdrawn", {"withdrawal_reason": ""}),
        ("resource_withdrawn_when_by_whom_and_why", "published", {"withdrawal_reason": "Replaced."}),
    ],
)
def test_each_state_has_its_facts(rule: str, state: str, fields: dict[str, Any]) -> None:
    resource = in_state(state, UserFactory())

    with refused(rule):
        Resource.objects.filter(pk=resource.pk).update(**fields)


def test_published_resource_cannot_carry_a_withdrawal() -> None:
    by = UserFactory()
    resource = in_state("published", by)

    with refused("resource_withdrawn_has_a_date_and_no_other_has"):
        Resource.objects.filter(pk=resource.pk).update(
            withdrawn_at=timezone.now(), withdrawn_by=by, withdrawal_reason="Why."
        )


# Editions ------------------------------------------------------------------------------------------------


def test_publishing_without_an_edition_is_refused_by_published_resource_has_an_edition() -> None:
    resource, by = ResourceFactory(), UserFactory()

    with refused("needs an edition"):
        set_state(resource, "published", by)


def test_edition_may_follow_within_the_transaction_that_publishes() -> None:
    resource, by = ResourceFactory(), UserFactory()

    with transaction.atomic():
        set_state(resource, "published", by)
        EditionFactory(resource=resource)
        connection.check_constraints()

    assert Resource.objects.get(pk=resource.pk).is_published


def test_row_inserted_as_published_needs_an_edition_too() -> None:
    with refused("needs an edition"):
        ResourceFactory(state="published", published_at=timezone.now(), published_by=UserFactory())


def test_last_edition_of_a_published_resource_cannot_go_published_resource_keeps_an_edition() -> None:
    resource = published_resource(editions=[{"language": "en"}, {"language": "fr"}])
    first, last = resource.editions.all()

    sql("DELETE FROM knowledge_edition WHERE id = %s", first.pk)
    connection.check_constraints()

    with refused("last edition"):
        sql("DELETE FROM knowledge_edition WHERE id = %s", last.pk)


def test_last_edition_of_a_published_resource_cannot_be_moved_away() -> None:
    resource, other = published_resource(), published_resource()

    with refused("last edition"):
        sql("UPDATE knowledge_edition SET resource_id = %s WHERE resource_id = %s", other.pk, resource.pk)


def test_last_edition_of_a_draft_may_go() -> None:
    edition = EditionFactory()

    sql("DELETE FROM knowledge_edition WHERE id = %s", edition.pk)
    connection.check_constraints()

    assert not edition.resource.editions.exists()


def test_last_edition_may_be_replaced_by_another() -> None:
    resource = published_resource()

    with transaction.atomic():
        resource.editions.all().delete()
        EditionFactory(resource=resource, language="fr")
        connection.check_constraints()

    assert [edition.language for edition in resource.editions.all()] == ["fr"]


def test_published_resource_may_be_deleted_with_all_that_is_its() -> None:
    resource = published_resource(publishers=[EntityFactory()], topics=[TopicFactory()])

    resource.delete()
    connection.check_constraints()

    assert not Edition.objects.exists()


def test_edition_cannot_go_in_the_transaction_that_publishes() -> None:
    edition, by = EditionFactory(), UserFactory()

    with refused("edition"):
        set_state(edition.resource, "published", by)
        sql("DELETE FROM knowledge_edition WHERE id = %s", edition.pk)


def test_resource_may_be_published_and_deleted_in_one_transaction() -> None:
    edition, by = EditionFactory(), UserFactory()

    set_state(edition.resource, "published", by)
    edition.resource.delete()

    connection.check_constraints()


# Slugs that were ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "factory"), [("resource", ResourceFactory), ("topic", TopicFactory), ("entity", EntityFactory)]
)
def test_changed_slug_is_remembered(kind: str, factory: Any) -> None:
    thing = factory(slug="old-name")

    type(thing).objects.filter(pk=thing.pk).update(slug="new-name")

    assert list(PastSlug.objects.values_list("kind", "slug", "object_id")) == [(kind, "old-name", thing.pk)]


def test_slug_taken_back_is_no_past_slug_any_more() -> None:
    resource = ResourceFactory(slug="first")
    rows = Resource.objects.filter(pk=resource.pk)

    rows.update(slug="second")
    rows.update(slug="first")

    assert list(PastSlug.objects.values_list("slug", flat=True)) == ["second"]


def test_past_slug_leads_to_who_had_it_last() -> None:
    one, other = ResourceFactory(slug="wanted"), ResourceFactory(slug="other")

    Resource.objects.filter(pk=one.pk).update(slug="one")
    Resource.objects.filter(pk=other.pk).update(slug="wanted")
    Resource.objects.filter(pk=other.pk).update(slug="two")

    assert PastSlug.objects.get(slug="wanted").object_id == other.pk


def test_slug_left_alone_leaves_nothing_behind() -> None:
    resource = ResourceFactory()

    Resource.objects.filter(pk=resource.pk).update(year=2021)

    assert not PastSlug.objects.exists()


# The words a reader sees ----------------------------------------------------------------------------------------


def test_title_is_shown_in_the_language_of_the_reader_where_there_is_one() -> None:
    resource = ResourceFactory(
        original_title="Waste",
        original_subtitle="A study",
        title_fr="Déchets",
        subtitle_fr="Une étude",
        own_titles=["fr"],
    )

    seen = {}
    for language in ("fr", "es"):
        with translation.override(language):
            seen[language] = (
                resource.display_title, resource.display_subtitle, resource.title_language, resource.title_is_ours
            )  # fmt: skip

    assert seen == {"fr": ("Déchets", "Une étude", "fr", True), "es": ("Waste", "A study", "en", False)}


def test_subtitle_never_stands_in_another_language_than_the_title() -> None:
    resource = ResourceFactory(original_title="Waste", original_subtitle="A study", title_fr="Déchets")

    with translation.override("fr"):
        assert (resource.display_title, resource.display_subtitle) == ("Déchets", "")


def test_title_of_the_publisher_is_not_called_ours() -> None:
    resource = ResourceFactory(title_zh_hans="电子废物", own_titles=["ar"])

    with translation.override("zh-hans"):
        assert (resource.display_title, resource.title_is_ours, resource.title_language) == ("电子废物", False, "zh")


def test_direction_follows_the_language_of_the_title() -> None:
    resource = ResourceFactory(original_title="قانون", original_language="ar", title_en="Law")

    with translation.override("en"):
        assert (resource.title_direction, resource.original_direction) == ("ltr", "rtl")
    with translation.override("ar"):
        assert resource.title_direction == "rtl"


def test_summary_falls_back_to_english_and_says_so() -> None:
    resource = ResourceFactory(summary_en="About waste.", summary_ru="Об отходах.")

    with translation.override("ru"):
        assert (resource.display_summary, resource.summary_language) == ("Об отходах.", "ru")
    with translation.override("ar"):
        assert (resource.display_summary, resource.summary_language) == ("About waste.", "en")


def test_publisher_that_was_merged_is_shown_as_what_it_became() -> None:
    new, second = EntityFactory(), EntityFactory()
    old = EntityFactory(merged_into=new)
    resource = ResourceFactory(publishers=[second, old])

    assert Resource.objects.for_listing().get(pk=resource.pk).publisher_entities == [second, new]


def test_file_without_its_hash_is_refused() -> None:
    edition = EditionFactory()

    with refused("edition_file_is_known_by_its_hash"):
        Edition.objects.filter(pk=edition.pk).update(file="editions/x.pdf")


def test_file_with_its_hash_is_stored() -> None:
    edition = EditionFactory()

    assert Edition.objects.filter(pk=edition.pk).update(file="editions/x.pdf", sha256="0" * 64) == 1
