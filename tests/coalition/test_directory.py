"""The directory of entities: what is found and counted, how an entity stands, what leaves as a file."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format

from coalition import actions, lookalikes
from coalition.models import Entity, Initiative, Letter, Membership, Pledge, Signature
from tests.coalition.factories import application
from tests.factories import EntityFactory, UserFactory
from tests.pages import read

pytestmark = pytest.mark.django_db

LIST = "/en/coalition/entities/"
FORMULA = '=HYPERLINK("https://evil.example.org")'
SCRIPT = "<script>alert(1)</script>"


def recorded(entity: Entity, *, signed: bool = True, **fields: Any) -> Membership:
    """Known from sources: as a signatory of 2018, or only named as a member."""
    facts = {
        "state": "active",
        "track": "signatory",
        "recorded_on": date(2018, 3, 21),
        "source_url": "https://example.org/2018",
    }
    row = Membership.objects.create(entity=entity, origin="recorded", state_since=timezone.now(), **{**facts, **fields})
    if signed:
        letter, _made = Letter.objects.get_or_create(
            version="2018",
            defaults={
                "kind": "historical",
                "title_en": "Letter of Intent",
                "dated": date(2018, 3, 21),
                "source_url": "https://example.org",
            },
        )
        Signature.objects.create(
            membership=row, entity=entity, letter=letter, method="historical", signed_on=date(2018, 3, 21),
            entity_name=entity.official_name, source_url="https://example.org/2018",
        )  # fmt: skip
    return row


def day(year: int, month: int, number: int) -> str:
    return date_format(date(year, month, number), "DATE_FORMAT")


def names(client: Client, query: str = "", path: str = LIST) -> list[str]:
    return [row.official_name for row in client.get(path + query).context["rows"]]


def counts(client: Client, facet: str, query: str = "") -> dict[str, int]:
    return client.get(LIST + query).context["found"].counts[facet]


# What is found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ministere", "Ministry of Ecology"),
        ("MINISTÈRE écologie", "Ministry of Ecology"),
        ("экология", "Ministry of Ecology"),
        ("ёлка", "Ministry of Ecology"),
        ("الايكولوجيا", None),
        ("环境", "Ministry of Ecology"),
        ("MECO", "Ministry of Ecology"),
        ("ministry ecology", "Ministry of Ecology"),
        ("xyzzy quux", None),
    ],
)
def test_entity_is_found_by_its_name_in_any_language(client: Client, words: str, found: str | None) -> None:
    EntityFactory(
        official_name_en="Ministry of Ecology", official_name_fr="Ministère de l'Écologie", official_name_ru="Экология и Елка",
        official_name_zh_hans="生态环境部", short_name_en="MECO",
    )  # fmt: skip
    EntityFactory(official_name_en="Quartz Works")

    assert names(client, f"?q={words}") == ([found] if found else [])


def test_what_is_misspelt_is_found_and_said_to_be_like_it(client: Client) -> None:
    EntityFactory(official_name_en="United Nations Environment Programme")
    EntityFactory(official_name_en="Quartz Works")

    page = read(client.get(LIST + "?q=enviroment programe"))

    assert [title.text for title in page.all("h3", class_="card__title")] == ["United Nations Environment Programme"]
    assert "resemble" in page.one("p", class_="results__note").text


def test_likeness_is_not_used_where_filters_alone_leave_nothing(client: Client) -> None:
    EntityFactory(official_name_en="Environment House", kind="ngo")
    EntityFactory(official_name_en="Enviroment Office", kind="academia")

    assert names(client, "?q=environment&kind=academia") == []


def test_facets_count_exactly_any_of_inside_all_of_across(client: Client) -> None:
    for kind, country in [("ngo", "KEN"), ("ngo", "FRA"), ("academia", "KEN"), ("recycler", "FRA"), ("recycler", None)]:
        EntityFactory(kind=kind, country_id=country)

    assert counts(client, "kind") == {"ngo": 2, "academia": 1, "recycler": 2}
    assert counts(client, "kind", "?kind=ngo&place=KEN") == {"ngo": 1, "academia": 1}
    assert counts(client, "place", "?kind=ngo&place=KEN") == {
        "KEN": 1,
        "014": 1,
        "202": 1,
        "002": 1,
        "FRA": 1,
        "155": 1,
        "150": 1,
    }
    assert len(names(client, "?kind=ngo&kind=academia")) == 3
    assert len(names(client, "?kind=ngo&kind=recycler&place=150")) == 2


def test_track_and_status_speak_of_one_membership(client: Client) -> None:
    signatory, named, left, supporter, both = (EntityFactory(official_name_en=name) for name in "ABCDE")
    EntityFactory(official_name_en="F")
    recorded(signatory)
    recorded(named, signed=False)
    recorded(left, state="withdrawn", ended_on=date(2027, 1, 1))
    recorded(supporter, track="supporter", signed=False)
    recorded(both, state="withdrawn", ended_on=date(2027, 1, 1))
    recorded(both, track="supporter", signed=False)

    assert counts(client, "track") == {"signatory": 3, "member": 1, "supporter": 2, "none": 1}
    assert counts(client, "status") == {"recorded": 4, "withdrawn": 2}
    assert names(client, "?track=signatory&status=withdrawn") == ["C", "E"]
    assert names(client, "?track=supporter&status=withdrawn") == []
    assert counts(client, "status", "?track=supporter") == {"recorded": 2}
    assert counts(client, "track", "?status=withdrawn") == {"signatory": 2}


def test_tabs_lead_to_signatories_supporters_and_others(client: Client) -> None:
    signatory, named = EntityFactory(official_name_en="A"), EntityFactory(official_name_en="B")
    EntityFactory(official_name_en="C")
    recorded(signatory)
    recorded(named, signed=False)

    tabs = client.get(LIST).context["tabs"]

    assert [(label, count) for label, _url, count, _current in tabs] == [
        ("All", 3),
        ("Signatories", 1),
        ("Supporters", 0),
        ("Others", 2),
    ]
    assert [len(client.get(url).context["rows"]) for _label, url, *_rest in tabs] == [3, 1, 0, 2]


def test_what_was_merged_counts_for_its_successor(client: Client) -> None:
    old, new = EntityFactory(official_name_en="Old"), EntityFactory(official_name_en="New")
    recorded(old)
    actions.merge(entity=old, into=new, by=UserFactory())

    assert counts(client, "track") == {"signatory": 1}
    assert names(client, "?track=signatory") == ["New"]


def test_unfinished_and_refused_applications_are_no_membership(client: Client) -> None:
    application(EntityFactory(official_name_en="A"))

    assert counts(client, "track") == {"none": 1}
    assert counts(client, "status") == {}


def test_letters_lead_to_the_names_that_begin_with_them(client: Client) -> None:
    for name in ("Élan", "Echo", "Basel", "3R Forum", "«Zeta»"):
        EntityFactory(official_name_en=name)

    page = client.get(LIST)

    assert {letter for letter, url, _current in page.context["letters"] if url} == {"#", "B", "E", "Z"}
    assert names(client, "?letter=e") == ["Echo", "Élan"]
    assert names(client, "?letter=%23") == ["3R Forum"]


def test_names_stand_in_the_order_of_the_readers_language(client: Client) -> None:
    EntityFactory(official_name_en="Alpha", official_name_ar="المنظمة", official_name_ru="Ялта")
    EntityFactory(official_name_en="Beta", official_name_ar="برنامج", official_name_ru="Азов")
    EntityFactory(official_name_en="Gamma")

    assert names(client) == ["Alpha", "Beta", "Gamma"]
    with translation.override("ar"):
        assert names(client, path="/ar/coalition/entities/") == ["برنامج", "المنظمة", "Gamma"]
    with translation.override("ru"):
        assert names(client, path="/ru/coalition/entities/") == ["Азов", "Ялта", "Gamma"]


def test_sixty_are_on_a_page_and_what_lies_beyond_is_not_found(client: Client) -> None:
    Entity.objects.bulk_create(EntityFactory.build(slug=f"e{n}", official_name_en=f"N{n:03}") for n in range(61))

    assert (len(names(client)), names(client, "?page=2")) == (60, ["N060"])
    assert [client.get(f"{LIST}?page={page}").status_code for page in ("3", "0", "-1", "x", "9" * 30, "²")] == [404] * 6


@pytest.mark.parametrize(
    "query",
    [
        "?kind=nothing", "?place=ZZZ", "?place=%00", "?place=' OR 1=1 --", "?track=x", "?status=draft", "?letter=ab", "?q=%00",
        "?q=%25_\\", "?q=" + "a" * 5000, "?q=" + "x+" * 400, "?kind=" + "&kind=".join(map(str, range(200))), "?view=evil",
        "?format=exe",
        "?values=secret", "?sort=evil", "?q=%F0%9F%92%A9", "?q=(((", "?q={rows}%s", "?letter=%00", "?place=%D9%A1%D9%A2%D9%A3",
    ],
)  # fmt: skip
def test_hostile_questions_are_answered(client: Client, query: str) -> None:
    EntityFactory(official_name_en="Quartz Works", country_id="KEN")

    assert client.get(LIST + query).status_code == 200


def test_unknown_value_is_left_out_and_said(client: Client) -> None:
    EntityFactory()

    page = client.get(LIST + "?kind=club&place=QQQ")

    assert len(page.context["rows"]) == 1
    assert [alert.text for alert in read(page).all("h2", class_="alert__title")] == [
        "“club” is not a value of the filter “Kind”: the filter was left out.",
        "“QQQ” is not a value of the filter “Country or region”: the filter was left out.",
    ]


def test_only_the_plain_list_is_for_search_engines(client: Client) -> None:
    EntityFactory(kind="ngo")

    plain, narrowed, table = (read(client.get(LIST + query)) for query in ("", "?kind=ngo", "?view=table"))

    assert [len(page.all("meta", name="robots")) for page in (plain, narrowed, table)] == [0, 1, 0]
    assert table.one("link", rel="canonical")["href"].endswith("/en/coalition/entities/")


def test_empty_parameters_drop_out(client: Client) -> None:
    assert client.get(LIST + "?q=&kind=ngo&status=")["Location"] == LIST + "?kind=ngo"


@pytest.mark.parametrize(
    "query", ["", "?view=table", "?q=entity", "?kind=un-body&place=KEN&track=signatory&status=recorded"]
)
def test_number_of_queries_does_not_grow(client: Client, django_assert_max_num_queries: Any, query: str) -> None:
    for number in (1, 2, 997):
        made = Entity.objects.bulk_create(
            EntityFactory.build(
                slug=f"e{number}-{n}", official_name_en=f"Entity {number} {n}", country_id="KEN", is_example=n % 10 == 9
            )
            for n in range(number)
        )
        for entity in made[:3]:
            recorded(entity)
        with django_assert_max_num_queries(8) as captured:
            assert client.get(LIST + query).status_code == 200
        assert len(captured) <= 7


# What must not be told ---------------------------------------------------------------------------------


def test_examples_are_shown_with_their_badge_and_never_counted(client: Client) -> None:
    example = EntityFactory(official_name_en="Example Ministry", kind="ngo", is_example=True)
    EntityFactory(official_name_en="Real Ministry", kind="academia")
    recorded(example)

    response = client.get(LIST)
    page = read(response)

    assert names(client) == ["Real Ministry"]
    assert [entity.official_name for entity in response.context["examples"]] == ["Example Ministry"]
    assert "Made up for the demonstration" in page.one("table").text
    assert (response.context["found"].total, counts(client, "kind"), counts(client, "track")) == (
        1,
        {"academia": 1},
        {"none": 1},
    )
    for form in ("csv", "json", "atom"):
        assert "Example" not in b"".join(client.get(f"{LIST}?format={form}")).decode()


def test_merged_and_unchecked_entities_are_in_no_list_and_no_file(client: Client) -> None:
    staying = EntityFactory(official_name_en="Staying")
    EntityFactory(official_name_en="Merged", merged_into=staying)
    unchecked = EntityFactory(official_name_en="Unchecked", unchecked=True)

    assert names(client) == ["Staying"]
    assert client.get(unchecked.get_absolute_url()).status_code == 404
    for form in ("csv", "json", "atom"):
        body = b"".join(client.get(f"{LIST}?format={form}")).decode()
        assert ("Merged" in body, "Unchecked" in body) == (False, False)


def test_names_are_text_in_pages_and_no_formula_in_files(client: Client) -> None:
    entity = EntityFactory(
        official_name_en=SCRIPT, short_name_en=" " + FORMULA, description_en=f"{SCRIPT} [x](javascript:alert(1))"
    )
    recorded(entity)

    for path in (LIST, LIST + "?view=table", entity.get_absolute_url(), entity.get_absolute_url() + "badge.svg"):
        body = client.get(path).content.decode()
        assert (SCRIPT in body, "javascript:" in body.replace("[x](javascript:alert(1))", "")) == (False, False)
    rows = list(csv.reader(io.StringIO(b"".join(client.get(LIST + "?format=csv")).decode("utf-8-sig"))))
    assert rows[1][1:3] == [SCRIPT, "'" + FORMULA]


# Files and feed ------------------------------------------------------------------------------------------


def test_csv_and_json_hold_what_the_page_finds(client: Client) -> None:
    recorded(EntityFactory(slug="itu", official_name_en="ITU", official_name_fr="UIT", kind="un-body"))
    EntityFactory(kind="ngo")

    table = list(
        csv.DictReader(io.StringIO(b"".join(client.get(LIST + "?kind=un-body&format=csv")).decode("utf-8-sig")))
    )
    data = json.loads(client.get(LIST + "?kind=un-body&format=json").content)

    assert [(row["official_name"], row["track"], row["since"], row["source"]) for row in table] == [
        ("ITU", "Signatory", "2018-03-21", "https://example.org/2018")
    ]
    assert data["count"] == 1
    assert data["items"][0]["official_name"] == {"en": "ITU", "fr": "UIT"}
    assert data["items"][0]["memberships"] == [
        {
            "track": "signatory",
            "status": "recorded",
            "since": "2018-03-21",
            "ended_on": None,
            "recorded_from": "https://example.org/2018",
        }
    ]


@pytest.mark.parametrize("form", ["csv", "json", "atom"])
def test_files_take_few_queries_however_long(client: Client, django_assert_max_num_queries: Any, form: str) -> None:
    for entity in EntityFactory.create_batch(30):
        recorded(entity)

    with django_assert_max_num_queries(5):
        b"".join(client.get(f"{LIST}?format={form}"))


def test_feed_tells_who_joined_and_who_left_the_newest_first(client: Client) -> None:
    recorded(EntityFactory(official_name_en="Stays"))
    recorded(
        EntityFactory(official_name_en="Leaves", short_name_en="L\x07v"), state="withdrawn", ended_on=date(2027, 5, 1)
    )

    feed = ET.fromstring(client.get(LIST + "?format=atom").content)
    entries = [entry.findtext("{*}title") for entry in feed.findall("{*}entry")]
    ids = [entry.findtext("{*}id") for entry in feed.findall("{*}entry")]

    assert entries[0] == f"Lv: Signatory, withdrew on {day(2027, 5, 1)}"
    assert sorted(entries[1:]) == [
        f"{name}: Signed on {day(2018, 3, 21)}, according to a source" for name in ("Lv", "Stays")
    ]
    assert len(set(ids)) == 3


# An entity -------------------------------------------------------------------------------------------------


def test_page_tells_membership_signature_initiatives_and_pledges(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    lead, partner = EntityFactory(official_name_en="Lead"), EntityFactory(official_name_en="Partner")
    recorded(lead)
    staff = {
        "publication": "published",
        "published_at": timezone.now(),
        "published_by": UserFactory(),
        "source_url": "https://example.org",
    }
    for n in range(3):
        initiative = Initiative.objects.create(
            slug=f"i{n}", entity=lead, title_en=f"Doing {n}", kind="project", **staff
        )
        initiative.partners.add(partner)
    Initiative.objects.create(slug="draft", entity=lead, title_en="Secret", kind="project")
    staff.pop("source_url")
    Pledge.objects.create(
        slug="p", entity=lead, title_en="Offer", text_en="Data.", kind="data", purpose="platform", **staff
    )
    Pledge.objects.create(slug="q", entity=lead, title_en="Hidden", text_en="Data.", kind="data", purpose="platform")

    with django_assert_max_num_queries(12):
        page = read(client.get(lead.get_absolute_url()))
    text = page.one("main").text
    other = read(client.get(partner.get_absolute_url())).one("main").text

    assert f"Signed on {day(2018, 3, 21)}, according to a source" in text
    assert "to be confirmed by the secretariat" in text
    assert ("Doing 0" in text, "Offer" in text, "Secret" in text, "Hidden" in text) == (True, True, False, False)
    assert "As a partner; led by Lead." in other


def test_named_member_is_not_called_a_signatory(client: Client) -> None:
    entity = EntityFactory()
    recorded(entity, signed=False, recorded_on=date(2019, 4, 10))

    badges = [badge.text for badge in read(client.get(entity.get_absolute_url())).all("span", class_="badge")]

    assert badges == [f"Named as a member by a source of {day(2019, 4, 10)}"]


def test_merged_and_renamed_entities_lead_to_todays_page(client: Client) -> None:
    old, new = EntityFactory(slug="old", official_name_en="Old Name"), EntityFactory(slug="new")
    actions.merge(entity=old, into=new, by=UserFactory())
    Entity.objects.filter(pk=new.pk).update(slug="newer")

    assert [client.get(f"{LIST}{slug}/")["Location"] for slug in ("old", "new")] == [LIST + "newer/"] * 2
    assert client.get(f"{LIST}old/badge.svg").status_code in {301, 404}
    assert client.get(LIST + "nothing/").status_code == 404
    assert "Old Name: now with" in read(client.get(LIST + "newer/")).one("main").text


def test_badge_is_coloured_while_it_stands_and_grey_afterwards(client: Client) -> None:
    entity, none = EntityFactory(slug="e", official_name_en="A & B"), EntityFactory(slug="none")
    membership = recorded(entity)

    standing = client.get(LIST + "e/badge.svg")
    Membership.objects.filter(pk=membership.pk).update(state="withdrawn", ended_on=date(2027, 1, 1))
    ended = client.get(LIST + "e/badge.svg")

    assert (standing["Content-Type"], standing["Cache-Control"]) == ("image/svg+xml", "public, max-age=60")
    assert ET.fromstring(standing.content).findtext("{*}title").startswith(f"A & B: Signed on {day(2018, 3, 21)}")
    assert ("#767676" in standing.content.decode(), "#767676" in ended.content.decode()) == (False, True)
    assert f"withdrew on {day(2027, 1, 1)}" in ended.content.decode()
    assert client.get(f"{LIST}{none.slug}/badge.svg").status_code == 404


def test_logo_needs_a_permission(client: Client) -> None:
    entity = EntityFactory(slug="plain")

    assert client.get(LIST + "plain/logo.png").status_code == 404
    assert len(read(client.get(entity.get_absolute_url())).all("span", class_="monogram")) == 1


@pytest.mark.parametrize("language", ["ar", "zh-hans", "fr", "ru", "es"])
def test_list_and_page_exist_in_every_language(client: Client, language: str) -> None:
    entity = EntityFactory(slug="e")
    recorded(entity)

    for path in ("", "?view=table", "?q=entity", "?values=place", "?format=atom", "e/", "e/badge.svg"):
        assert client.get(f"/{language}/coalition/entities/{path}").status_code == 200


# Likeness ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("univercity", "en"),
        ("universtiy of recicling", "en"),
        ("universite du recylage", "fr"),
        ("универсетет", "ru"),
        ("универститет переработка", "ru"),
        ("回收科枝大学", "zh-hans"),
        ("جامعه التدوبر", "ar"),
    ],
)
def test_misspelt_name_is_found_in_any_language(client: Client, typed: str, language: str) -> None:
    EntityFactory(
        official_name_en="University of Recycling", official_name_fr="Université du recyclage",
        official_name_ru="Университет переработки", official_name_zh_hans="回收科技大学", official_name_ar="جامعة التدوير",
    )  # fmt: skip
    EntityFactory(
        official_name_en="Quartz Works",
        official_name_ru="Кварц",
        official_name_zh_hans="石英",
        official_name_ar="كوارتز",
    )

    rows = client.get(f"/{language}/coalition/entities/", {"q": typed}).context["rows"]

    assert [row.official_name_en for row in rows] == ["University of Recycling"]


def test_what_resembles_more_comes_first(client: Client) -> None:
    EntityFactory(official_name_en="Environs Association")
    EntityFactory(official_name_en="Environment Association")

    assert names(client, "?q=enviromnent") == ["Environment Association", "Environs Association"]


def test_new_name_is_found_and_the_old_one_no_more(client: Client) -> None:
    entity = EntityFactory(official_name_en="Quartz Works")

    entity.official_name_en = "Basalt Works"
    entity.save()

    assert (names(client, "?q=basallt"), names(client, "?q=quarrtz")) == (["Basalt Works"], [])


def test_what_is_not_public_is_not_like_anything(client: Client) -> None:
    EntityFactory(official_name_en="Quartz Works", unchecked=True)
    EntityFactory(official_name_en="Quartz Mill", merged_into=EntityFactory(official_name_en="Basalt"))

    assert names(client, "?q=quarrtz") == []


def test_known_words_are_looked_up_by_their_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO coalition_nameword SELECT md5(n::text) FROM generate_series(1, 20000) n")
        cursor.execute("ANALYZE coalition_nameword")
        cursor.execute("EXPLAIN " + lookalikes.NEAR, ["univercity", 12, 0.4, 3])
        plan = " ".join(line for (line,) in cursor.fetchall())

    assert "Bitmap Index Scan on coalition_nameword_trigrams" in plan


def test_word_stands_for_itself_alone_if_it_is_known() -> None:
    EntityFactory(official_name_en="Recycling Recyclers")

    found = lookalikes.near("Recycling recycler of")

    assert found["recycling"] == {"recycling": 1.0}
    assert list(found) == ["recycling", "recycler"]
    assert list(found["recycler"]) == ["recycler", "recyclers", "recycling"]
