"""Finding: words in every language, facets, years, orders; and that the answer is never older than the database."""

import random
import threading
import unicodedata
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import translation
from hypothesis import given, settings, strategies as st
from hypothesis.extra.django import TestCase

from coalition import actions as coalition_actions
from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region
from knowledge import actions
from knowledge.models import Resource, Synonym, Topic
from knowledge.search import search, suggest
from knowledge.search.catalogue import FACETS, Catalogue, current, from_bits, to_bits
from knowledge.search.query import arabic, fold, parse
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

db = pytest.mark.django_db


def found(text: str = "", **options: Any) -> set[str]:
    """Slugs of what a search finds, without the kindness of `loosened`."""
    results = search(text, **options)
    return (
        set() if results.loosened else set(Resource.objects.filter(pk__in=results.ids).values_list("slug", flat=True))
    )


def publish(slug: str, title: str, **fields: Any) -> Resource:
    return published_resource(slug=slug, original_title=title, **fields)


# What a reader types ---------------------------------------------------------------------------------------


@db
def test_all_words_must_be_there() -> None:
    publish("both", "Collection of batteries")
    publish("one", "Collection of lamps")

    assert found("batteries collection") == {"both"}
    assert found("collection") == {"both", "one"}


@db
def test_phrase_keeps_its_order() -> None:
    publish("right", "The circular economy of phones")
    publish("turned", "An economy that is circular")

    assert found("circular economy") == {"right", "turned"}
    assert found('"circular economy"') == {"right"}
    assert found('"circular economy') == {"right"}  # never closed


@db
def test_or_takes_either() -> None:
    publish("lamps", "Lamps")
    publish("phones", "Phones")
    publish("fridges", "Fridges")

    assert found("lamps OR phones") == {"lamps", "phones"}
    assert found("OR lamps OR") == {"lamps"}
    assert found("lamps or phones") == set()  # lower case: a word without meaning, so both are wanted


@db
def test_minus_takes_away() -> None:
    publish("both", "Lamps and phones")
    publish("one", "Lamps")

    assert found("lamps -phones") == {"one"}
    assert found("-phones") == {"one"}
    assert found('lamps -"lamps and phones"') == {"one"}
    assert found("lamps -absent") == {"both", "one"}


@db
def test_hyphen_inside_a_word_takes_nothing_away() -> None:
    publish("hyphen", "Take-back schemes")

    assert found("take-back") == found("take back") == found('"take-back"') == {"hyphen"}


@db
def test_every_word_of_every_part_finds() -> None:
    fields = {
        "original_subtitle": "subtitleword", "summary_fr": "résuméword", "authors": ["Authorword, A."], "journal": "Journalword",
        "symbols": ["UNEP/CHW.12/5"], "doi": "10.1016/doiword", "publishers": [EntityFactory(official_name_en="Publisherword")],
        "topics": [TopicFactory(name_es="Temaword")],
    }  # fmt: skip
    publish("it", "Titleword", **fields)
    publish("other", "Something else")

    words = ["titleword", "subtitleword", "resumeword", "authorword", "journalword", "publisherword", "temaword"]
    assert [word for word in words if found(word) != {"it"}] == []


@db
@pytest.mark.parametrize(
    "written",
    [
        "9789280890549", "978-92-808-9054-9", "ISBN 978-92-808-9054-9", "978 92 808 9054 9", "ISBN: 9789280890549",
        "10.1016/j.wasman.2019.08.012", "https://doi.org/10.1016/J.WASMAN.2019.08.012", "doi:10.1016/j.wasman.2019.08.012",
        "L.1031", "l1031", "L-1031", "UNEP/CHW.12/5", "unep/chw.12/5", "UNEP-CHW.12-5",
        "ITU-T L.1031", "UNEP CHW.12/5",
    ],
)  # fmt: skip
def test_identifier_is_found_however_it_is_written(written: str) -> None:
    publish(
        "it", "Guideline", doi="10.1016/j.wasman.2019.08.012", symbols=["ITU-T L.1031", "UNEP/CHW.12/5"],
        editions=[{"isbn": "9789280890549"}],
    )  # fmt: skip
    publish("other", "Guideline", doi="10.1016/j.other", symbols=["ITU-T L.1032"], editions=[{"isbn": "9791090636071"}])

    assert found(written) == {"it"}


@db
def test_isbn_of_ten_digits_finds_the_edition_of_thirteen() -> None:
    publish("it", "Guideline", editions=[{"isbn": "9780306406157"}])

    assert found("0-306-40615-2") == {"it"}


# Languages ------------------------------------------------------------------------------------------------------


@db
@pytest.mark.parametrize(
    ("column", "title", "typed"),
    [
        ("en", "Recycling of televisions", "recycled television"),
        ("fr", "Recyclage des déchets", "recyclages dechet"),
        ("fr", "Déchets des ménages", "DÉCHETS MENAGE"),
        ("fr", "L'élimination des piles", "élimination"),
        ("fr", "L’élimination des piles", "l'elimination"),
        ("fr", "Piles d'équipements", "d’équipement"),
        ("es", "Gestión de residuos electrónicos", "residuo gestion electronico"),
        ("ru", "Переработка электронных отходов", "отходы электронные"),
        ("ru", "Учёт отходов", "учет"),
        ("ar", "إدارة النفايات الإلكترونية", "ادارة نفايات"),
        ("ar", "إدارة النفايات الإلكترونية", "والنفايات الالكترونيه"),
        ("ar", "النُّفايات الخطرة", "بالنفايات"),
        ("ar", "التقييم القطري", "تقييم"),
        ("ar", "النفايات الإلكترونية", "نفايات إلكترونية"),
        ("ar", "الأجهزة الإلكترونية", "الكترونية"),
        ("zh_hans", "废弃电器电子产品回收处理管理条例", "电子产品"),
        ("zh_hans", "废弃电器电子产品回收处理管理条例", "回收处理"),
        ("zh_hans", "废弃电器电子产品回收处理管理条例", "条"),
        ("zh_hans", "2024年全球电子废物监测", "2024 监测"),
        ("zh_hans", "WEEE 指令", "WEEE 指令"),
    ],
)
def test_forms_of_a_word_find_each_other(column: str, title: str, typed: str) -> None:
    published_resource(slug="it", original_title="Untitled", **{f"title_{column}": title})
    publish("other", "Something else")

    assert found(typed) == {"it"}


@db
def test_chinese_words_that_only_touch_are_not_a_word() -> None:
    published_resource(slug="it", title_zh_hans="电子。废物")

    assert found("电子") == {"it"}
    assert found('"子废"') == set()


@db
@pytest.mark.parametrize(
    ("language", "title", "typed"),
    [
        ("de", "Entsorgung von Elektroaltgeräten", "elektroaltgerät"),
        ("pt", "Gestão de resíduos eletroeletrônicos", "residuo eletroeletronico"),
        ("tr", "Atık yönetimi", "atıklar"),
        ("nl", "Ingezamelde apparaten", "apparaat"),
        ("ja", "特定家庭用機器再商品化法", "家庭用機器"),
        ("ja", "リサイクル", "サイクル"),
        ("el", "Ηλεκτρονικά απόβλητα", "ηλεκτρονικα"),
        ("vi", "Chất thải điện tử", "chat thai dien tu"),
    ],
)
def test_title_of_an_edition_in_another_language_is_found(language: str, title: str, typed: str) -> None:
    published_resource(slug="it", editions=[{"language": "en"}, {"language": language, "title": title}])
    publish("other", "Something else")

    assert found(typed) == {"it"}


@db
def test_stop_words_of_one_language_do_not_hide_a_title_of_another() -> None:
    publish("die", "Die Wiederverwendung", original_language="de")
    publish("sur", "Sur les piles", original_language="fr")

    assert found("die Wiederverwendung") == {"die"}
    assert found("sur les piles") == {"sur"}
    assert found('"les piles"') == {"sur"}


@db
def test_organization_in_capitals_is_not_a_stop_word() -> None:
    publish(
        "health",
        "Guidance",
        publishers=[EntityFactory(official_name_en="World Health Organization", short_name_en="WHO")],
    )
    publish("other", "Guidance")

    assert found("WHO guidance") == {"health"}
    assert found("who guidance") == {"health", "other"}  # a question word says nothing


@db
@pytest.mark.parametrize("text", ["the of and", "и в на", "de la", "في من", "的", "the"])
def test_query_of_stop_words_alone_is_no_error(text: str) -> None:
    publish("it", "The use of batteries and lamps")

    results = search(text)

    assert results.total in {0, 1}


@db
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "--", "''", '"', '""', '" "', "'\";--", "&|!():*<->", "a & b", "!batteries", "batteries:*", "batteries:A",
        "\\", "%", "_", "%s %(x)s", "\x00", "bat\x00teries", "\x1b[31m\x07", "\u202e\u200f\ufeff", "😀",
        "-" * 500, '"' * 500, "OR OR OR", "OR", "-OR", '-"', "x" * 10_000, "a b " * 2_500, '"a" OR ' * 1_000, "电" * 10_000,
        "ا" * 10_000, "(((((((((", "1" * 10_000, "10.1016/", "..", "#", "'; DROP TABLE knowledge_resource; --", "\n\t\r",
    ],
)  # fmt: skip
def test_nothing_that_is_typed_breaks_the_search(text: str) -> None:
    publish("it", "Batteries")

    results = search(text)

    assert results.total in {0, 1}
    assert len(results.resources(results.ids)) == results.total
    assert results.counts["type"] in ({}, {"report": 1})
    suggest(text)
    assert Resource.objects.count() == 1


class AnyText(TestCase):
    """Hypothesis with a database: each example in a transaction of its own."""

    @settings(max_examples=40, deadline=None)
    @given(
        st.text(max_size=60)
        | st.lists(
            st.sampled_from(['"', "-", "OR", "the", "WEEE", "电子", "ال", "L.1", "'", "é", "&"]), max_size=12
        ).map(" ".join)
    )
    def test_any_text_is_answered(self, text: str) -> None:
        results = search(text)
        suggest(text)

        assert results.total == len(results.ids) == 0
        assert parse(text).text == parse(parse(text).text).text


@db
def test_only_the_first_200_characters_count() -> None:
    publish("it", "Batteries")

    assert found("batteries " + "-" * 300 + " absent") == {"it"}


@db
def test_when_no_resource_has_all_words_those_with_any_are_given_and_it_is_said() -> None:
    publish("lamps", "Lamps")
    publish("other", "Fridges")

    results = search("lamps absent")

    assert results.loosened
    assert [resource.slug for resource in results.resources(results.ids)] == ["lamps"]
    assert not search("lamps").loosened


# Thesaurus ----------------------------------------------------------------------------------------------------------


@db
def test_terms_of_the_thesaurus_find_each_other_in_all_languages() -> None:
    terms = [
        "e-waste",
        "WEEE",
        "electronic waste",
        "déchets électroniques",
        "электронные отходы",
        "电子废物",
        "النفايات الإلكترونية",
    ]
    SynonymFactory(terms=terms)
    for number, (term, language) in enumerate(zip(terms, ("en", "en", "en", "fr", "ru", "zh", "ar"), strict=True)):
        publish(f"t{number}", f"{term} A", original_language=language)

    everything = {f"t{number}" for number in range(len(terms))}
    assert {term: found(term) for term in terms} == dict.fromkeys(terms, everything)
    assert found("Déchets electroniques") == found("E-WASTE") == found("electronic-wastes") == everything


@db
@pytest.mark.parametrize("typed", ["электронных отходов", "electronic waste's"])
def test_inflected_term_of_the_thesaurus_brings_its_synonyms(typed: str) -> None:
    SynonymFactory(terms=["WEEE", "электронные отходы", "residuos electrónicos", "electronic waste"])
    publish("it", "WEEE")

    assert found(typed) == {"it"}


@db
def test_thesaurus_can_be_switched_off_and_says_what_it_did() -> None:
    SynonymFactory(terms=["lamps", "luminaires"])
    publish("lamps", "Lamps")
    publish("luminaires", "Luminaires")

    assert found("lamps") == {"lamps", "luminaires"}
    assert found("lamps", synonyms=False) == {"lamps"}
    assert search("lamps").query.expansions == [("lamps", ["luminaires"])]
    assert search("lamps", synonyms=False).query.expansions == []


@db
def test_synonym_that_is_not_in_use_does_nothing() -> None:
    synonym = SynonymFactory(terms=["lamps", "luminaires"], is_active=False)
    publish("luminaires", "Luminaires")

    assert found("lamps") == set()
    Synonym.objects.filter(pk=synonym.pk).update(is_active=True)
    assert found("lamps") == {"luminaires"}


@db
def test_what_is_taken_away_is_taken_without_its_synonyms() -> None:
    SynonymFactory(terms=["lamps", "luminaires"])
    publish("lamps", "Waste lamps")
    publish("luminaires", "Waste luminaires")

    assert found("waste -lamps") == {"luminaires"}


@db
def test_longest_term_of_the_thesaurus_wins() -> None:
    SynonymFactory(terms=["electronic waste", "WEEE"])
    SynonymFactory(terms=["waste", "rubbish"])

    assert search("electronic waste").query.expansions == [("electronic waste", ["WEEE"])]


@db
def test_term_of_the_thesaurus_is_seen_inside_a_run_of_chinese() -> None:
    SynonymFactory(terms=["电子废物", "WEEE"])
    publish("it", "WEEE 回收")

    assert found("电子废物回收") == {"it"}


@pytest.mark.parametrize(
    "text",
    ["النفايات الإلكترونية", "والتقييم", "بالبطاريات", "المعلومات", "مخلفات", "سياسة", "هواتف", "ولاية", "للمدن"],
)
@db
def test_arabic_is_normalised_alike_by_python_and_by_the_database(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT knowledge_arabic(%s)", [text])
        assert cursor.fetchone() == (arabic(text),)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once_for_latin(text: str) -> None:
    text = "".join(
        c for c in text if not "\u0600" <= unicodedata.normalize("NFKC", c)[:1] <= "\u06ff" and c != "s" and c.isascii()
    )

    assert fold(fold(text)) == fold(text)


# Did you mean, suggestions, snippets ------------------------------------------------------------------------------------


@db
@pytest.mark.parametrize(
    ("typed", "meant"),
    [("baterries", "batteries"), ("recyling", "recycling"), ("recylcing batteries", "recycling batteries")],
)
def test_typing_error_is_answered_with_what_was_meant(typed: str, meant: str) -> None:
    publish("it", "Recycling batteries")

    assert search(typed).did_you_mean == meant
    assert search(meant).did_you_mean == ""


@db
def test_did_you_mean_in_cyrillic_and_with_accents() -> None:
    publish("ru", "Переработка отходов", original_language="ru")
    publish("fr", "Élimination des déchets", original_language="fr")

    assert search("переробтка").did_you_mean == "переработка"
    assert search("déhcets").did_you_mean == "déchets"


@db
def test_did_you_mean_forgives_an_error_and_a_missing_accent_at_once() -> None:
    publish("fr", "Élimination des déchets", original_language="fr")

    assert search("elimintaion").did_you_mean == "élimination"


@db
def test_did_you_mean_never_offers_what_finds_nothing() -> None:
    resource = publish("it", "Batteries")
    actions.withdraw(resource=resource, by=UserFactory(), reason="Gone.")

    assert search("baterries").did_you_mean == ""
    assert search("zzzzqqqq").did_you_mean == ""


@db
def test_did_you_mean_understands_a_capital_letter() -> None:
    publish("it", "Recycling batteries")

    assert search("Baterries").did_you_mean.lower() == "batteries"


@db
def test_titles_are_suggested_from_their_first_letters() -> None:
    publish("it", "Recycling of batteries")
    publish("other", "Lamps")
    withdrawn_resource(original_title="Recycling that is withdrawn")
    ResourceFactory(original_title="Recycling in draft")

    assert [resource.slug for resource in suggest("recy bat")] == ["it"]
    assert [resource.slug for resource in suggest("Récy")] == ["it"]
    assert suggest("r") == suggest("") == suggest("!!") == []


@db
def test_suggestions_in_other_scripts() -> None:
    publish("ru", "Электронные отходы", original_language="ru")
    publish("zh", "电子废物管理", original_language="zh")
    publish("ar", "النفايات الإلكترونية", original_language="ar")

    assert [[resource.slug for resource in suggest(text)] for text in ("электр", "电子", "النفاي")] == [
        ["ru"],
        ["zh"],
        ["ar"],
    ]


@db
def test_longer_chinese_is_suggested_too() -> None:
    publish("zh", "电子废物管理", original_language="zh")

    assert [resource.slug for resource in suggest("电子废")] == ["zh"]


@db
def test_suggestions_are_at_most_as_many_as_asked() -> None:
    for number in range(5):
        publish(f"r{number}", f"Recycling {number}")

    assert len(suggest("recycling", limit=3)) == 3


@db
@pytest.mark.parametrize(
    ("language", "fields", "typed", "snippet"),
    [
        ("en", {"original_title": "Recycled <b> lamps"}, "recycling", "<mark>Recycled</mark> &lt;b&gt; lamps"),
        ("fr", {"title_fr": "Déchets"}, "dechet", "<mark>Déchets</mark>"),
        ("ru", {"title_ru": "Электронные отходы"}, "отходов", "Электронные <mark>отходы</mark>"),
        ("zh-hans", {"title_zh_hans": "电子废物"}, "电子", "<mark>电子</mark>废物"),
        ("zh-hans", {"title_zh_hans": "全球电子废物"}, "电子", "全球<mark>电子</mark>废物"),
        ("ar", {"title_ar": "إدارة النفايات"}, "نفايات", "إدارة <mark>النفايات</mark>"),
        ("en", {"original_title": "A \ue000b\ue001 C", "title_en": ""}, "absent OR b", None),
    ],
)
def test_what_was_found_is_marked_and_all_else_escaped(
    language: str, fields: dict[str, str], typed: str, snippet: str | None
) -> None:
    published_resource(**fields)

    with translation.override(language):
        results = search(typed)
        (resource,) = results.resources(results.ids)

    assert snippet is None or resource.title_snippet == snippet
    assert resource.title_snippet.count("<mark>") == resource.title_snippet.count("</mark>")


# Hidden ---------------------------------------------------------------------------------------------------------------


@db
def test_draft_in_review_and_withdrawn_are_never_found_by_anything() -> None:
    topic, entity = TopicFactory(slug="t", name_en="Topicword"), EntityFactory(slug="e", official_name_en="Entityword")
    fields: dict[str, Any] = {
        "summary_en": "Summaryword", "topics": [topic], "publishers": [entity], "categories": ["lamps"], "sdg_targets": ["12.5"],
        "countries": [Country.objects.get(pk="GHA")], "resource_type": "dataset",
    }  # fmt: skip
    published_resource(slug="shown", original_title="Titleword", doi="10.1016/shown", **fields)
    EditionFactory(
        resource=ResourceFactory(original_title="Titleword", doi="10.1016/hidden1", **fields), isbn="9789280890549"
    )
    in_review = EditionFactory(
        resource=ResourceFactory(original_title="Titleword", doi="10.1016/hidden2", **fields)
    ).resource
    actions.submit(resource=in_review, by=UserFactory())
    withdrawn_resource(
        original_title="Titleword", doi="10.1016/hidden3", editions=[{"isbn": "9791090636071"}], **fields
    )

    for text in (
        "",
        "titleword",
        "summaryword",
        "topicword",
        "entityword",
        "lamps",
        "Ghana",
        "titleword OR absent",
        "-absent",
    ):
        assert found(text) == {"shown"}, text
    for text in ("10.1016/hidden1", "10.1016/hidden2", "10.1016/hidden3", "9789280890549", "9791090636071"):
        assert found(text) == set(), text
    for facet, code in {
        "type": "dataset",
        "topic": "t",
        "publisher": "e",
        "category": "lamps",
        "target": "12.5",
        "place": "GHA",
    }.items():
        results = search(chosen={facet: [code]})
        assert (results.total, results.counts[facet][code]) == (1, 1), facet
    assert [resource.slug for resource in suggest("titleword")] == ["shown"]
    assert search(year_from=1950, year_to=2100).total == 1


@db
def test_withdrawn_resource_is_gone_and_comes_back() -> None:
    resource, by = publish("it", "Batteries"), UserFactory()

    actions.withdraw(resource=resource, by=by, reason="Wrong.")
    gone = found("batteries")
    actions.reinstate(resource=resource, by=by)

    assert (gone, found("batteries")) == (set(), {"it"})


# Whatever changes, by whatever path ---------------------------------------------------------------------------------------


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@db
def test_entity_renamed_by_raw_sql_is_found_by_its_new_name_alone() -> None:
    entity = EntityFactory(official_name_en="Oldname")
    publish("it", "Report", publishers=[entity])

    sql("UPDATE coalition_entity SET official_name_en = 'Newname', short_name_fr = 'Sigle' WHERE id = %s", entity.pk)

    assert (found("oldname"), found("newname"), found("sigle")) == (set(), {"it"}, {"it"})


@db
def test_topic_renamed_by_raw_sql_is_found_by_its_new_name_alone() -> None:
    topic = TopicFactory(slug="old", name_ru="Батарейки")
    publish("it", "Report", topics=[topic])

    sql("UPDATE knowledge_topic SET name_ru = 'Лампы', slug = 'new' WHERE id = %s", topic.pk)

    assert (found("батарейки"), found("лампа")) == (set(), {"it"})
    assert search().counts["topic"] == {"new": 1}


@db
def test_entity_merged_by_raw_sql_is_found_by_both_names_and_counted_as_the_new_one() -> None:
    old, new = (
        EntityFactory(slug="old", official_name_en="Oldname"),
        EntityFactory(slug="new", official_name_en="Newname"),
    )
    publish("it", "Report", publishers=[old])

    sql("UPDATE coalition_entity SET merged_into_id = %s WHERE id = %s", new.pk, old.pk)

    assert (found("oldname"), found("newname")) == ({"it"}, {"it"})
    assert search().counts["publisher"] == {"new": 1}
    assert found(chosen={"publisher": ["new"]}) == {"it"}


@db
def test_renaming_what_an_entity_was_merged_into_is_seen() -> None:
    first, second, third = EntityFactory(), EntityFactory(), EntityFactory(slug="third", official_name_en="Oldname")
    publish("it", "Report", publishers=[first])
    coalition_actions.merge(entity=first, into=second, by=UserFactory())
    coalition_actions.merge(entity=second, into=third, by=UserFactory())

    Entity.objects.filter(pk=third.pk).update(official_name_en="Newname", slug="newslug")

    assert (found("oldname"), found("newname"), search().counts["publisher"]) == (set(), {"it"}, {"newslug": 1})


@db
def test_chain_of_merges_made_by_raw_sql_ends_at_its_last_entity() -> None:
    first, second, third = (EntityFactory(slug=slug) for slug in ("first", "second", "third"))
    publish("it", "Report", publishers=[first])

    sql("UPDATE coalition_entity SET merged_into_id = %s WHERE id = %s", second.pk, first.pk)
    sql("UPDATE coalition_entity SET merged_into_id = %s WHERE id = %s", third.pk, second.pk)

    assert search().counts["publisher"] == {"third": 1}


@db
def test_country_region_and_term_renamed_by_raw_sql_are_seen() -> None:
    publish(
        "it",
        "Report",
        countries=[Country.objects.get(pk="GHA")],
        regions=[Region.objects.get(pk="150")],
        resource_type="dataset",
    )

    sql("UPDATE ewaste_portal_country SET name_en = 'Countryword' WHERE iso3 = 'GHA'")
    sql("UPDATE ewaste_portal_region SET name_en = 'Regionword' WHERE m49 = '150'")
    sql("UPDATE ewaste_portal_term SET labels[3] = 'Termword' WHERE vocabulary = 'resource_type' AND code = 'dataset'")

    assert (found("countryword"), found("regionword"), found("termword"), found("dataset")) == (
        {"it"},
        {"it"},
        {"it"},
        set(),
    )


@db
def test_country_moved_to_another_region_is_counted_there() -> None:
    publish("it", "Report", countries=[Country.objects.get(pk="GHA")])

    sql("UPDATE ewaste_portal_country SET region_id = '150' WHERE iso3 = 'GHA'")

    assert search().counts["place"] == {"GHA": 1, "150": 1}


@db
def test_region_moved_below_another_takes_its_resources_along() -> None:
    publish("it", "Report", regions=[Region.objects.get(pk="011")])

    sql("UPDATE ewaste_portal_region SET parent_id = '150' WHERE m49 = '011'")
    sql("UPDATE ewaste_portal_region SET parent_id = '019' WHERE m49 = '150'")

    assert search().counts["place"] == {"011": 1, "150": 1, "019": 1}


@db
def test_rows_that_belong_to_a_resource_are_seen_at_once_when_they_come_change_and_go() -> None:
    resource = publish("it", "Report")
    topic, entity, ghana = (
        TopicFactory(slug="t", name_en="Topicword"),
        EntityFactory(official_name_en="Entityword"),
        Country.objects.get(pk="GHA"),
    )
    words = ("topicword", "entityword", "ghana", "editionword", "europe")
    assert [found(word) for word in words] == [set()] * 5

    resource.topics.add(topic)
    resource.publishers.add(entity)
    resource.countries.add(ghana)
    resource.regions.add(Region.objects.get(pk="150"))
    edition = EditionFactory(resource=resource, language="fr", title="Editionword")
    came = [found(word) for word in words]
    edition.delete()
    resource.topics.clear()
    resource.publishers.clear()
    resource.countries.clear()
    resource.regions.clear()

    assert came == [{"it"}] * 5
    assert [found(word) for word in words] == [set()] * 5
    assert search().counts["language"] == {"en": 1}


@db
def test_resource_changed_by_raw_sql_is_found_by_its_new_words() -> None:
    publish("it", "Oldtitle", year=2001)

    sql("UPDATE knowledge_resource SET original_title = 'Newtitle', year = 2002, categories = '{lamps}'")

    assert (found("oldtitle"), found("newtitle"), found(year_from=2002), found(year_to=2001)) == (
        set(),
        {"it"},
        {"it"},
        set(),
    )
    assert search().counts["category"] == {"lamps": 1}


# Facets -------------------------------------------------------------------------------------------------------------------


def region_line(code: str) -> set[str]:
    """A region and those above it, less the World unless it was named itself."""
    parents = dict(Region.objects.values_list("m49", "parent_id"))
    line, at = {code}, parents[code]
    while at:
        line.add(at)
        at = parents[at]
    return line - {"001"} if code != "001" else line


def facts_of(resource: Resource) -> dict[str, set[str]]:
    places: set[str] = set()
    for country in resource.countries.all():
        places |= {country.pk} | region_line(country.region_id)
    for region in resource.regions.all():
        places |= region_line(region.pk)
    return {
        "type": {resource.resource_type},
        "topic": {topic.slug for topic in resource.topics.all()},
        "language": {edition.language for edition in resource.editions.all()},
        "publisher": {entity.slug for entity in resource.publisher_entities},
        "place": places,
        "category": set(resource.categories),
        "target": set(resource.sdg_targets),
    }


@db
def test_facets_counts_and_years_are_those_of_a_plain_count_over_all_resources() -> None:
    dice = random.Random(2018)
    topics = [TopicFactory() for _ in range(4)]
    entities = [EntityFactory() for _ in range(5)]
    Entity.objects.filter(pk=entities[4].pk).update(merged_into=entities[0])
    countries, regions = (
        list(Country.objects.filter(pk__in=["GHA", "NGA", "FRA", "CHN"])),
        list(Region.objects.filter(pk__in=["002", "150", "001", "202"])),
    )

    def some(values: list[Any]) -> list[Any]:
        return dice.sample(values, dice.choice([0, 1, 1, 2, 3]))

    languages = ["ar", "zh", "en", "fr", "pt"]
    for number in range(60):
        make = dice.choice(
            [published_resource, published_resource, published_resource, withdrawn_resource, ResourceFactory]
        )
        editions = (
            {"editions": [{"language": code} for code in some(languages) or ["en"]]}
            if make is not ResourceFactory
            else {}
        )
        make(
            original_title=f"{dice.choice(['Alpha', 'Beta'])} {number}",
            resource_type=dice.choice(["report", "dataset", "video"]),
            year=dice.choice([None, 1999, 2005, 2018, 2018, 2024]),
            topics=some(topics),
            publishers=some(entities),
            countries=some(countries),
            regions=some(regions),
            categories=some(["lamps", "batteries", "large-equipment"]),
            sdg_targets=some(["12.4", "12.5", "3.9"]),
            **editions,
        )
    resources = list(Resource.objects.published())
    facts = {resource.pk: facts_of(resource) for resource in resources}
    every = {facet: sorted({code for known in facts.values() for code in known[facet]}) for facet in FACETS}

    def matches(
        resource: Resource, word: str, chosen: dict[str, list[str]], years: tuple[int | None, int | None], but: str = ""
    ) -> bool:
        first, last = years
        in_years = years == (None, None) or (
            resource.year is not None and (first or 0) <= resource.year <= (last or 9999)
        )
        has = all(facts[resource.pk][facet] & set(codes) for facet, codes in chosen.items() if facet != but)
        return (not word or word in resource.original_title) and in_years and has

    for _turn in range(60):
        word = dice.choice(["", "", "Alpha", "Beta"])
        facets = dice.sample(FACETS, dice.choice([0, 1, 1, 2, 3]))
        chosen = {facet: dice.sample(every[facet], min(len(every[facet]), dice.choice([1, 1, 2]))) for facet in facets}
        years = dice.choice([(None, None), (None, None), (2005, None), (None, 2018), (2005, 2018), (2018, 2018)])

        results = search(
            word, chosen=chosen, year_from=years[0], year_to=years[1], sort=dice.choice(["", "newest", "title"])
        )

        expected = {resource.pk for resource in resources if matches(resource, word, chosen, years)}
        assert set(results.ids) == expected
        assert len(results.ids) == results.total == len(expected)
        for facet in FACETS:
            among = [resource for resource in resources if matches(resource, word, chosen, years, but=facet)]
            counts = {code: sum(code in facts[resource.pk][facet] for resource in among) for code in every[facet]}
            assert results.counts[facet] == {code: count for code, count in counts.items() if count}, (facet, chosen)


@db
def test_values_of_a_facet_are_either_and_facets_are_both() -> None:
    publish("report-en", "A", resource_type="report", editions=[{"language": "en"}])
    publish("report-fr", "B", resource_type="report", editions=[{"language": "fr"}])
    publish("video-fr", "C", resource_type="video", editions=[{"language": "fr"}])

    assert found(chosen={"type": ["report", "video"]}) == {"report-en", "report-fr", "video-fr"}
    assert found(chosen={"type": ["report"], "language": ["fr"]}) == {"report-fr"}
    assert search(chosen={"type": ["report"]}).counts["type"] == {"report": 2, "video": 1}
    assert search(chosen={"type": ["report"]}).counts["language"] == {"en": 1, "fr": 1}


@db
def test_unknown_value_of_a_facet_finds_nothing_and_breaks_nothing() -> None:
    publish("it", "A")

    assert found(chosen={"type": ["poem"]}) == set()
    assert found(chosen={"type": ["poem", "report"]}) == {"it"}
    assert found(chosen={"type": []}) == {"it"}


@db
def test_place_is_found_under_the_regions_above_it_but_not_under_the_world() -> None:
    publish("ghana", "A", countries=[Country.objects.get(pk="GHA")])
    publish("world", "B", regions=[Region.objects.get(pk="001")])

    assert found(chosen={"place": ["002"]}) == found(chosen={"place": ["011"]}) == {"ghana"}
    assert found(chosen={"place": ["001"]}) == {"world"}


@db
@pytest.mark.parametrize("code", list(vocabularies.COLUMNS))
def test_names_of_type_and_place_find_in_every_language(code: str) -> None:
    publish("it", "A", resource_type="map", countries=[Country.objects.get(pk="GHA")])
    publish("other", "B")

    with translation.override(code):
        name = Country.objects.get(pk="GHA").name

    assert found(name) == {"it"}


# Years and orders ------------------------------------------------------------------------------------------------------------


@db
def test_years_are_both_included_and_an_unknown_year_is_in_no_range() -> None:
    for year in (None, 2017, 2018, 2020):
        publish(f"y{year}", "A", year=year)

    assert found(year_from=2018, year_to=2020) == {"y2018", "y2020"}
    assert found(year_from=2018) == {"y2018", "y2020"}
    assert found(year_to=2017) == {"y2017"}
    assert found(year_from=2021, year_to=2017) == set()
    assert found() == {"yNone", "y2017", "y2018", "y2020"}


def in_order(sort: str, text: str = "", **options: Any) -> list[str]:
    results = search(text, sort=sort, **options)
    return [resource.slug for resource in results.resources(results.ids)]


@db
def test_unknown_year_comes_last_in_both_orders_of_time() -> None:
    publish("unknown", "A", year=None)
    publish("old", "B", year=1999)
    publish("new", "C", year=2024)
    publish("newer", "D", year=2024, published_on="2024-05-01")

    assert in_order("newest") == ["newer", "new", "old", "unknown"]
    assert in_order("oldest") == ["old", "new", "newer", "unknown"]
    assert in_order("") == ["newer", "new", "old", "unknown"]


@db
def test_titles_are_ordered_without_accents_case_and_quotation_marks() -> None:
    for slug, title in {"e": "Éclat", "z": "Zinc", "a": "apple", "q": "“Battery” laws", "r": "Ярлык"}.items():
        publish(slug, title)

    assert in_order("title") == ["a", "q", "e", "z", "r"]


@db
def test_title_is_more_relevant_than_summary_and_summary_more_than_a_topic() -> None:
    publish("topic", "A", topics=[TopicFactory(name_en="Lamps")], year=2024)
    publish("summary", "B", summary_en="About lamps.", year=2023)
    publish("title", "Lamps", year=2001)

    assert in_order("", "lamps") == in_order("relevance", "lamps") == ["title", "summary", "topic"]
    assert in_order("newest", "lamps") == ["topic", "summary", "title"]


@db
def test_unknown_order_is_the_usual_one() -> None:
    publish("old", "Lamps", year=1999)
    publish("new", "Phones", year=2024)

    assert in_order("sideways") == ["new", "old"]
    assert in_order("relevance") == ["new", "old"]


@db
def test_few_and_many_resources_are_put_in_the_same_order() -> None:
    """The catalogue sorts a few rows one way and many another: both must agree."""
    keys = {
        "newest_keys": {n: (n * 7) % 5 * 400 for n in range(1, 300)},
        "title_keys": {n: str(n % 13) for n in range(1, 300)},
    }
    rows = [(n, True, ["type:report"], 2000, keys["newest_keys"][n], keys["title_keys"][n]) for n in range(1, 300)]
    at_once, by_and_by = Catalogue(), Catalogue()

    at_once._apply(rows)
    for row in rows:
        by_and_by._apply([row])
    by_and_by._apply([(5, False, [], None, 0, "")])
    by_and_by._apply([rows[4]])

    assert by_and_by.orders == at_once.orders
    assert (by_and_by.everything, by_and_by.values) == (at_once.everything, at_once.values)
    assert by_and_by.in_order("oldest", at_once.everything) == at_once.orders["oldest"]


@given(st.sets(st.integers(0, 3_000)))
def test_bitmap_gives_back_what_was_put_in(numbers: set[int]) -> None:
    assert list(from_bits(to_bits(numbers, 3_001))) == sorted(numbers)


@db
def test_search_of_one_and_of_three_rows_takes_as_many_queries(django_assert_num_queries: Any) -> None:
    def run() -> None:
        results = search("lamps")
        assert results.counts
        for resource in results.resources(results.ids[:20]):
            assert resource.publisher_entities
            assert len(resource.editions.all()) == 1

    publish("r0", "Lamps", publishers=[EntityFactory()])
    publish("r1", "Lamps", publishers=[EntityFactory()])
    with django_assert_num_queries(7):
        run()
    publish("r2", "Lamps", publishers=[EntityFactory(merged_into=EntityFactory())])
    with django_assert_num_queries(7):
        run()


# The catalogue in memory: never older than the database ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_sees_what_is_committed_and_forgets_what_is_gone() -> None:
    by = UserFactory()
    first = publish("first", "Lamps", by=by)
    assert found("lamps") == {"first"}
    current()

    second = publish("second", "Lamps", by=by, resource_type="dataset", year=2001)
    came = found("lamps"), search().counts["type"]
    actions.withdraw(resource=first, by=by, reason="Gone.")
    withdrawn = found("lamps"), found(), search().counts["type"]
    second.delete()

    assert came == ({"first", "second"}, {"report": 1, "dataset": 1})
    assert withdrawn == ({"second"}, {"second"}, {"dataset": 1})
    assert (found("lamps"), found(), search().counts["type"]) == (set(), set(), {})
    assert found(year_from=2000) == set()


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_forgets_what_is_rolled_back() -> None:
    by = UserFactory()
    publish("first", "Lamps", by=by)
    assert found() == {"first"}

    with transaction.atomic():
        publish("second", "Lamps", by=by)
        inside = found()
        transaction.set_rollback(True)

    assert (inside, found(), search().counts["type"]) == ({"first", "second"}, {"first"}, {"report": 1})


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_sees_a_transaction_that_began_before_and_ended_after_its_last_look() -> None:
    by = UserFactory()
    publish("first", "Lamps", by=by)
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                publish("slow", "Lamps", by=by)
                began.set()
                go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    began.wait(20)
    publish("quick", "Lamps", by=by)  # a younger transaction ends first
    before = found()
    go_on.set()
    thread.join(20)

    assert (before, found()) == ({"first", "quick"}, {"first", "quick", "slow"})


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_sees_changes_of_what_resources_are_named_after() -> None:
    entity = EntityFactory(slug="old")
    publish("it", "Report", publishers=[entity])
    assert search().counts["publisher"] == {"old": 1}

    Entity.objects.filter(pk=entity.pk).update(slug="new")

    assert search().counts["publisher"] == {"new": 1}
    assert found(chosen={"publisher": ["old"]}) == set()


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_costs_one_query_when_nothing_changed(django_assert_num_queries: Any) -> None:
    publish("it", "Report")
    search()

    with django_assert_num_queries(1):
        assert search(synonyms=False).counts["type"] == {"report": 1}


@pytest.mark.django_db(transaction=True)
def test_topic_deleted_is_no_longer_counted() -> None:
    topic = TopicFactory(slug="t")
    publish("it", "Report", topics=[topic])
    assert search().counts["topic"] == {"t": 1}

    Topic.objects.filter(pk=topic.pk).delete()

    assert search().counts["topic"] == {}


@pytest.mark.django_db(transaction=True)
def test_catalogue_in_memory_can_change_while_another_thread_is_in_the_middle_of_a_search() -> None:
    by = UserFactory()
    publish("stays", "Lamps", by=by)
    goes = publish("goes", "Lamps", by=by)
    mine = current()
    hits = mine.everything  # a search has its matches ...

    goes.delete()
    threading.Thread(target=lambda: (current(), connection.close())).run()  # ... another request catches up ...

    assert len(mine.in_order("newest", hits)) in {1, 2}  # ... and the first goes on
