"""Regions, countries and vocabulary labels: the shipped files are in the database, in six languages."""

import csv

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region, Term, User
from ewaste_portal.reference import load_reference_data
from tests.factories import UserFactory

LANGUAGES = list(vocabularies.COLUMNS)


def rows(name: str) -> list[dict[str, str]]:
    with (vocabularies.DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.django_db
def test_every_row_of_the_files_is_there() -> None:
    assert Region.objects.count() == len(rows("regions.csv"))
    assert Country.objects.count() == len(rows("countries.csv"))
    assert Term.objects.count() == len(rows("vocabularies.csv"))


@pytest.mark.django_db
def test_regions_are_one_tree_with_the_world_at_its_root() -> None:
    parents = dict(Region.objects.values_list("m49", "parent_id"))

    def root(code: str) -> str:
        seen = {code}
        while parents[code]:
            code = parents[code]
            assert code not in seen
            seen.add(code)
        return code

    assert {root(code) for code in parents} == {"001"}


@pytest.mark.django_db
@pytest.mark.parametrize("column", vocabularies.COLUMNS.values())
def test_every_place_has_a_name_in_every_language(column: str) -> None:
    assert not Country.objects.filter(**{f"name_{column}": ""}).exists()
    assert not Country.objects.filter(**{f"name_{column}": None}).exists()
    assert not Region.objects.filter(**{f"name_{column}": None}).exists()


@pytest.mark.django_db
def test_country_is_named_in_the_language_of_the_reader() -> None:
    country = Country.objects.get(pk="CIV")

    names = {}
    for language in ("en", "fr", "zh-hans", "ar"):
        with translation.override(language):
            names[language] = country.name

    assert names == {"en": "Côte d’Ivoire", "fr": "Côte d’Ivoire", "zh-hans": "科特迪瓦", "ar": "كوت ديفوار"}


@pytest.mark.django_db
def test_loading_again_writes_nothing() -> None:
    before = list(Country.objects.order_by("pk").values()), list(Term.objects.order_by("pk").values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(xmin::text::bigint) FROM ewaste_portal_country")
        written = cursor.fetchone()

    load_reference_data()

    assert (list(Country.objects.order_by("pk").values()), list(Term.objects.order_by("pk").values())) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(xmin::text::bigint) FROM ewaste_portal_country")
        assert cursor.fetchone() == written


@pytest.mark.django_db
def test_loading_puts_right_what_differs_from_the_files() -> None:
    Country.objects.filter(pk="GHA").update(name_fr="Autre", is_ldc=True)
    Region.objects.filter(pk="011").update(name_ru="Иначе")
    Term.objects.filter(vocabulary="resource_type", code="report").update(labels=["x"] * 6)

    load_reference_data()

    ghana = Country.objects.get(pk="GHA")
    assert (ghana.name_fr, ghana.is_ldc) == ("Ghana", False)
    assert Region.objects.get(pk="011").name_ru == "Западная Африка"
    assert Term.objects.get(vocabulary="resource_type", code="report").labels == vocabularies.labels(
        "resource_type", "report"
    )


@pytest.mark.parametrize("vocabulary", vocabularies.names())
def test_every_code_has_a_label_in_every_language(vocabulary: str) -> None:
    empty = [
        (code, language)
        for code in vocabularies.codes(vocabulary)
        for language in LANGUAGES
        if not vocabularies.label(vocabulary, code, language).strip()
    ]

    assert vocabularies.codes(vocabulary)
    assert empty == []


def test_label_follows_the_reader_and_unknown_codes_stand_for_themselves() -> None:
    with translation.override("fr"):
        french = vocabularies.label("resource_type", "report")
    with translation.override("en"):
        english = vocabularies.label("resource_type", "report")

    assert (french, english) == ("Rapport", "Report")
    assert vocabularies.label("resource_type", "poem") == "poem"


def test_choices_are_equal_when_their_vocabulary_is() -> None:
    assert vocabularies.Choices("rights") == vocabularies.Choices("rights")
    assert vocabularies.Choices("rights") != vocabularies.Choices("resource_type")


# People and places: what the database keeps true ---------------------------------------------------------------------


@pytest.mark.django_db
def test_email_is_unique_whatever_its_case_user_email_unique_whatever_case() -> None:
    UserFactory(email="ann@example.org")

    with pytest.raises(IntegrityError, match="user_email_unique_whatever_case"), transaction.atomic():
        UserFactory(email="ANN@example.org")


@pytest.mark.django_db
def test_language_of_a_user_is_of_the_six() -> None:
    user = UserFactory()

    User.objects.filter(pk=user.pk).update(language="zh-hans")
    with pytest.raises(IntegrityError, match="user_language_is_of_the_six"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(language="de")


@pytest.mark.django_db
def test_term_code_is_unique_in_its_vocabulary() -> None:
    Term.objects.create(vocabulary="other", code="report", labels=["x"] * 6)

    with pytest.raises(IntegrityError, match="term_code_unique"), transaction.atomic():
        Term.objects.create(vocabulary="other", code="report", labels=["x"] * 6)


@pytest.mark.django_db
def test_place_that_something_names_cannot_go() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("DELETE FROM ewaste_portal_region WHERE m49 = '011'")


@pytest.mark.django_db
def test_service_account_can_never_sign_in() -> None:
    account = User.objects.service_account("load-catalogue")

    assert (account.is_active, account.has_usable_password()) == (False, False)
    assert User.objects.service_account("load-catalogue") == account


@pytest.mark.django_db
def test_user_needs_an_email_and_it_is_kept_in_lower_case() -> None:
    assert User.objects.create_user("Ann@Example.ORG").email == "ann@example.org"
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user("")
