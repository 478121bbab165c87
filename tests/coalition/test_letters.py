"""Letters, their signatories in protocol order, the Coalition's pages: what sources say, and nothing beyond."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, InternalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from coalition import diff, journal, signatories
from coalition.models import (
    Entity,
    Initiative,
    JournalEntry,
    Letter,
    LetterText,
    Mandate,
    Membership,
    Pledge,
    Signature,
)
from tests import pages
from tests.coalition.factories import published_letter
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db

LETTER_2018 = "/en/coalition/letter/2018/"
DEMONSTRATION = "/en/coalition/letter/demonstration/"


@pytest.fixture
def record() -> None:
    """What ships with the portal."""
    call_command("load_entities", verbosity=0, stdout=io.StringIO())
    call_command("load_coalition", verbosity=0, stdout=io.StringIO())


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        yield


def signed(
    letter: Letter, entity: Entity | None = None, *, on: date = date(2026, 2, 1), kind: str = "original", **fields: Any
) -> Signature:
    """A signature that was countersigned, without the ceremony that the ceremony's own tests go through."""
    entity = entity or EntityFactory()
    membership = entity.memberships.filter(track="signatory").first() or Membership.objects.create(
        entity=entity, letter=letter, state_since=datetime(2026, 1, 2, tzinfo=UTC)
    )
    mandate = entity.mandates.filter(role="head").first() or Mandate.objects.create(
        entity=entity, role="head", name="Amina Example", title="Minister", during=(date(2020, 1, 1), None)
    )
    number = Signature.objects.count()
    return Signature.objects.create(
        membership=membership, entity=entity, letter=letter, mandate=mandate, kind=kind, method="email-code",
        code=f"AAAA-BBBB-{number:04d}", signed_on=on, signed_at=timezone.now(), entity_name=entity.official_name_en,
        signer_name=mandate.name, signer_title=mandate.title, capacity="head", language="en", text_sha256="0" * 64,
        evidence="{}", evidence_sha256="0" * 64, countersigned_at=timezone.now(), countersigned_by=UserFactory(),
        is_example=entity.is_example, **fields,
    )  # fmt: skip


def stat(page: pages.Element, group: str) -> dict[str, str]:
    """Label and number of each tile of a group."""
    tiles = page.one("ul", data_numbers=group).all("li", "stat")
    return {tile.one("dt").text: tile.one("dd", "stat__number").text for tile in tiles}


# What ships ---------------------------------------------------------------------------------------------


def test_the_letter_of_2018_has_seven_signatures_that_claim_nothing_more(record: None) -> None:
    signatures = Signature.objects.filter(letter__version="2018")

    assert {s.entity.slug: s.entity_name for s in signatures} == {
        "unep": "UN Environment",
        "itu": "International Telecommunication Union",
        "unu": "United Nations University",
        "ilo": "International Labour Organization",
        "brs": "Secretariat of the Basel and Stockholm Conventions",
        "unitar": "United Nations Institute for Training and Research",
        "unido": "United Nations Industrial Development Organization",
    }
    assert {(s.method, s.signed_on, s.signer_name, s.code) for s in signatures} == {
        ("historical", date(2018, 3, 21), "", None)
    }


def test_three_later_members_are_recorded_without_a_signature(record: None) -> None:
    later = Membership.objects.filter(recorded_on=date(2019, 4, 10))

    assert {m.entity.slug for m in later} == {"itc", "un-habitat", "who"}
    assert not Signature.objects.filter(membership__in=later).exists()
    assert {m.active_since for m in later} == {None}


def test_loading_again_changes_nothing(record: None) -> None:
    def numbers() -> list[int]:
        return [
            model.objects.count() for model in (Letter, LetterText, Membership, Signature, Initiative, JournalEntry)
        ]

    before = numbers()
    Initiative.objects.filter(slug="e-waste-academy").update(title_en="Corrected by staff")

    call_command("load_coalition", verbosity=0, stdout=io.StringIO())

    assert numbers() == before == [2, 6, 10, 7, 20, 10]
    assert Initiative.objects.get(slug="e-waste-academy").title_en == "Corrected by staff"
    assert journal.verify() == []


def test_an_entity_that_staff_renamed_does_not_stop_the_loading() -> None:
    call_command("load_entities", verbosity=0, stdout=io.StringIO())
    Entity.objects.filter(slug="itc").update(slug="trade-centre")
    errors = io.StringIO()

    call_command("load_coalition", verbosity=0, stdout=io.StringIO(), stderr=errors)

    assert Membership.objects.count() == 9
    assert "itc" in errors.getvalue()


def test_every_shipped_initiative_is_published_with_a_source_and_six_titles(record: None) -> None:
    initiatives = list(Initiative.objects.published())

    assert len(initiatives) == 20
    for initiative in initiatives:
        assert initiative.source_url, initiative.slug
        assert initiative.regions.exists() or initiative.countries.exists(), initiative.slug
        titles = {getattr(initiative, f"title_{code}") for code in ("ar", "zh_hans", "en", "fr", "ru", "es")}
        assert len(titles) == 6, initiative.slug


def test_the_demonstration_letter_says_in_every_language_that_it_has_no_effect(record: None) -> None:
    letter = Letter.objects.get(version="demonstration")
    first_lines = {text.language: text.body.splitlines()[0] for text in letter.texts.all()}

    assert letter.is_example
    assert set(first_lines) == {"ar", "zh-hans", "en", "fr", "ru", "es"}
    assert all("2018" in line and line.startswith("**") for line in first_lines.values())


# Immutable ---------------------------------------------------------------------------------------------


def test_published_letter_cannot_be_edited(record: None) -> None:
    for version in ("2018", "demonstration"):
        letters = Letter.objects.filter(version=version)
        with refused():
            letters.update(title_en="Another title")
        with refused():
            letters.update(published_at=None, published_by=None)
        with refused():
            LetterText.objects.create(letter=letters.get(), language="fr" if version == "2018" else "en", body="More.")

    with refused():
        LetterText.objects.filter(letter__version="demonstration", language="en").update(body="Other words.")
    with refused():
        LetterText.objects.filter(letter__version="demonstration", language="ru").delete()


def test_hash_on_the_page_is_of_the_text_as_stored(client: Client, record: None) -> None:
    text = LetterText.objects.get(letter__version="demonstration", language="fr")

    page = pages.read(client.get(f"{DEMONSTRATION}?language=fr"))

    assert page.one("code", data_copy="").text == text.sha256
    assert page.one("div", "letter__text")["lang"] == "fr"


# The page of a letter -----------------------------------------------------------------------------------


def test_page_of_the_historical_letter_says_that_the_text_is_not_held_here(client: Client, record: None) -> None:
    page = pages.read(client.get(LETTER_2018))

    assert "The text of this Letter is not held here" in page.text
    assert page.all("div", "letter__text") == []
    assert "present status to be confirmed by the secretariat" in page.text
    assert "Signed as: UN Environment" in page.text
    assert "7 entities." in page.text


def test_text_is_in_the_readers_language_and_the_authentic_one_a_tap_away(client: Client, record: None) -> None:
    page = pages.read(client.get("/ar/coalition/letter/demonstration/"))

    text = page.one("div", "letter__text")
    assert (text["lang"], text["dir"]) == ("ar", "rtl")
    assert "?language=en" in [link["href"] for link in page.all("a") if link.get("hreflang") == "en"]


def test_two_languages_stand_side_by_side(client: Client, record: None) -> None:
    page = pages.read(client.get(f"{DEMONSTRATION}?language=zh-hans&beside=ar"))

    assert [(t["lang"], t["dir"]) for t in page.all("div", "letter__text")] == [("zh-Hans", "ltr"), ("ar", "rtl")]


@pytest.mark.parametrize("query", ["?language=de", "?language=fr&beside=xx", "?language=en&beside=en", "?language[]=x"])
def test_unknown_language_shows_a_text_all_the_same(client: Client, record: None, query: str) -> None:
    page = pages.read(client.get(DEMONSTRATION + query))

    assert len(page.all("div", "letter__text")) == 1


def test_unpublished_letter_has_no_page(client: Client) -> None:
    draft = Letter.objects.create(version="draft", title_en="Secret draft", dated=date(2026, 1, 1))
    LetterText.objects.create(letter=draft, language="en", body="Not yet.")
    shown = published_letter("2026-a")

    for name, arguments in (
        ("letter_detail", ["draft"]),
        ("letter_signatories_csv", ["draft"]),
        ("letter_compare", ["draft", "2026-a"]),
        ("letter_compare", ["2026-a", "draft"]),
    ):
        assert client.get(reverse(f"coalition:{name}", args=arguments)).status_code == 404, (name, arguments)
    page = pages.read(client.get(reverse("coalition:letter_list")))
    assert [link["href"] for link in page.one("ol", "result-list").all("a")] == [shown.get_absolute_url()]
    assert "Secret draft" not in page.text


# Signatories -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "count"), [("2018-03-20", 0), ("2018-03-21", 7), ("2026-01-01", 7)])
def test_who_had_signed_on_a_given_day(client: Client, record: None, on: str, count: int) -> None:
    response = client.get(f"{LETTER_2018}?on={on}")

    page = pages.read(response)
    rows = [row for table in page.all("table") for row in table.one("tbody").all("tr")]
    assert len(rows) == count
    assert page.one("link", rel="canonical")["href"].endswith(f"/coalition/letter/2018/?on={on}")
    if not count:
        assert f"Nobody had signed this Letter by {date_format(date(2018, 3, 20))}." in page.text


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ("yesterday", "Enter a day as year, month and day, such as 2018-03-21."),
        ("2018-02-30", "Enter a day as year, month and day, such as 2018-03-21."),
        ("2018-03-21%00", "Enter a day as year, month and day, such as 2018-03-21."),
        ("2999-01-01", "Enter a day that is not in the future."),
    ],
)
def test_bad_day_gets_a_sentence(client: Client, record: None, on: str, sentence: str) -> None:
    response = client.get(f"{LETTER_2018}?on={on}")

    page = pages.read(response)
    assert response.status_code == 200
    assert sentence in page.one("ul", "errorlist").text
    assert page.one("title").text.startswith("Error:")
    assert len(page.one("tbody").all("tr")) == 7
    for address in (f"{LETTER_2018}signatories.csv?on={on}", f"{LETTER_2018}?format=json&on={on}"):
        answer = client.get(address)
        assert (answer.status_code, answer.content.decode()) == (400, sentence)


def test_who_withdrew_is_not_there_the_day_after_but_keeps_a_line() -> None:
    letter, entity = published_letter(), EntityFactory()
    signed(letter, entity, on=date(2026, 2, 1))
    signed(letter, entity, on=date(2026, 5, 1), kind="withdrawal")
    stays = signed(letter, on=date(2026, 3, 1))

    def names(on: date | None) -> set[str]:
        rows = signatories.load(signatories.in_order(signatories.of(letter, on=on), "en"), until=on)
        return {row.entity.slug for row in rows}

    assert names(date(2026, 2, 1)) == {entity.slug}
    assert names(date(2026, 4, 30)) == {entity.slug, stays.entity.slug}
    assert names(date(2026, 5, 1)) == {stays.entity.slug}
    assert names(None) == {entity.slug, stays.entity.slug}


def test_entity_that_reaffirmed_stands_once_with_both_days() -> None:
    letter, entity = published_letter(), EntityFactory()
    signed(letter, entity, on=date(2026, 2, 1))
    signed(letter, entity, on=date(2026, 6, 1), kind="reaffirmation")

    (row,) = signatories.load(signatories.in_order(signatories.of(letter), "en"))

    assert row.signature.signed_on == date(2026, 2, 1)
    assert [later.signed_on for later in row.later] == [date(2026, 6, 1)]


def test_signature_that_nobody_countersigned_is_not_shown(client: Client) -> None:
    letter = published_letter()
    hidden, shown = EntityFactory(official_name_en="Hidden Entity"), EntityFactory(official_name_en="Shown Entity")
    first = signed(letter, shown)
    values = {f.attname: getattr(first, f.attname) for f in Signature._meta.concrete_fields if f.attname != "id"}
    mandate = Mandate.objects.create(entity=hidden, role="head", name="Nobody", during=(date(2020, 1, 1), None))
    membership = Membership.objects.create(entity=hidden, letter=letter, state_since=timezone.now())
    values |= {
        "entity_id": hidden.pk,
        "membership_id": membership.pk,
        "mandate_id": mandate.pk,
        "code": "AAAA-BBBB-CCCC",
    }
    Signature.objects.create(**{**values, "countersigned_at": None, "countersigned_by_id": None})

    answers = [client.get(letter.get_absolute_url() + query).content.decode() for query in ("", "?format=json")]
    answers.append(client.get(reverse("coalition:letter_signatories_csv", args=[letter.version])).content.decode())

    for answer in answers:
        assert "Shown Entity" in answer
        assert "Hidden Entity" not in answer
        assert "AAAA-BBBB-CCCC" not in answer


def test_signatory_of_the_portal_links_to_its_verification(client: Client) -> None:
    signature = signed(published_letter())

    page = pages.read(client.get(signature.letter.get_absolute_url()))

    (cells,) = [row.all("td") for row in page.one("tbody").all("tr")]
    assert [cell.text for cell in cells[:2]] == [date_format(date(2026, 2, 1)), "Amina Example, Minister (Head)"]
    assert cells[2].one("a")["href"] == reverse("coalition:verify_code", args=[signature.code])


def test_merged_entity_keeps_its_line_and_its_link_leads_on(client: Client) -> None:
    signature = signed(published_letter(), EntityFactory(official_name_en="Old name", slug="old"))
    Entity.objects.filter(slug="old").update(merged_into=EntityFactory(slug="new"))

    page = pages.read(client.get(signature.letter.get_absolute_url()))

    assert page.one("tbody").one("th").one("a")["href"] == "/en/coalition/entities/old/"
    assert client.get("/en/coalition/entities/old/")["Location"] == "/en/coalition/entities/new/"


# Protocol order -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["adelphi", "Étude", "EUROSTAT", "Öko-Institut", "Oman", "Zambia"]),
        ("es", ["Cuba", "Nepal", "Nueva Zelandia", "Ñandú", "Omán"]),
        # й has its own place after и, ё does not
        ("ru", ["Ёлка", "Ель", "Индия", "Йемен", "Куба", "World Bank"]),
        # the article is passed over, hamza too; what only begins with these letters is not
        ("ar", ["الاتحاد", "ألمانيا", "البرنامج", "تونس", "الجزائر", "منظمة", "Basel"]),
        # radical and stroke, as Unicode orders them
        ("zh-hans", ["世界卫生组织", "国际劳工组织", "国际电信联盟", "联合国大学", "UNIDO"]),
    ],
)
def test_protocol_order_follows_the_language(language: str, names: list[str]) -> None:
    shuffled = list(reversed(names))

    assert sorted(shuffled, key=lambda name: signatories.order_key(name, language)) == names


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["ILO", "ITU", "BRS", "UNEP", "UNIDO", "UNITAR", "UNU"]),
        ("fr", ["UNITAR", "ONUDI", "OIT", "PNUE", "BRS", "UIT", "UNU"]),
        ("ar", ["الاتحاد الدولي للاتصالات", "أمانة", "برنامج", "جامعة", "معهد", "منظمة الأمم", "منظمة العمل"]),
        ("zh-hans", ["国际劳工组织", "国际电信联盟", "巴塞尔", "联合国大学", "联合国工业", "联合国环境", "联合国训练"]),
        ("ru", ["Международная", "Международный", "Организация", "Программа", "Секретариат", "Университет", "Учебный"]),
    ],
)
def test_signatories_of_2018_stand_in_the_order_of_the_page(
    client: Client, record: None, language: str, expected: list[str]
) -> None:
    page = pages.read(client.get(f"/{language}/coalition/letter/2018/"))

    names = [row.one("th").all("bdi")[0].text for row in page.one("tbody").all("tr")]
    if language in {"en", "fr"}:
        column = f"official_name_{language}"
        acronyms = {getattr(e, column): getattr(e, f"short_name_{language}") or "BRS" for e in Entity.objects.all()}
        assert [acronyms[name] for name in names] == expected
    else:
        assert [name.startswith(start) for name, start in zip(names, expected, strict=True)] == [True] * 7, names


# Files ---------------------------------------------------------------------------------------------------------


def test_csv_holds_no_formula(client: Client) -> None:
    letter = published_letter()
    signed(letter, EntityFactory(official_name_en='=HYPERLINK("http://example.org")'))

    response = client.get(reverse("coalition:letter_signatories_csv", args=[letter.version]))

    (row,) = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert row["entity"] == '\'=HYPERLINK("http://example.org")'
    assert (row["signer"], row["method"], row["code"]) == ("Amina Example", "email-code", "AAAA-BBBB-0000")


def test_json_tells_the_letter_and_who_had_signed(client: Client, record: None) -> None:
    data = client.get(f"{LETTER_2018}?format=json&on=2018-03-21").json()
    earlier = client.get(f"{LETTER_2018}?format=json&on=2018-03-20").json()

    assert (data["version"], data["dated"], data["known_from_sources"], data["texts"]) == (
        "2018",
        "2018-03-21",
        True,
        [],
    )
    assert len(data["signatories"]) == 7
    assert {(row["state"], row["signer"]) for row in data["signatories"]} == {("", "")}
    assert earlier["signatories"] == []


# Differences ------------------------------------------------------------------------------------------------------


def test_differences_are_told_word_by_word() -> None:
    pieces = diff.compare("We share data.\n\nWe report yearly.", "We share good data.\n\nWe report twice a year.")

    assert [[(piece.kind, piece.text) for piece in paragraph] for paragraph in pieces] == [
        [("same", "We share "), ("added", "good "), ("same", "data.")],
        [("same", "We report "), ("removed", "yearly"), ("added", "twice a year"), ("same", ".")],
    ]
    assert diff.counts(pieces) == (1, 4)


def test_differences_in_chinese_are_told_by_character() -> None:
    ((*pieces,),) = diff.compare("每年报告", "每季报告")

    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "每"), ("removed", "年"), ("added", "季"), ("same", "报告")
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "One.", "a  b\tc\n- d\n\n\n\ne ^ f_g", "وثيقة، نص\n\nأخرى"])
def test_same_text_has_no_difference_and_loses_nothing(text: str) -> None:
    pieces = diff.compare(text, text.replace("\n", "\r\n"))

    assert diff.counts(pieces) == (0, 0)
    assert {piece.kind for paragraph in pieces for piece in paragraph} <= {"same"}
    told = "".join(piece.text for paragraph in pieces for piece in paragraph)
    assert told.split() == text.split() or "".join(told.split()) == "".join(text.split())


def test_page_of_differences_marks_and_escapes(client: Client) -> None:
    older, newer = (
        Letter.objects.create(version=v, title_en=f"Letter {v}", dated=date(2026, 1, 1)) for v in ("v1", "v2")
    )
    LetterText.objects.create(letter=older, language="en", body="Share <b>data</b> freely.")
    LetterText.objects.create(letter=newer, language="en", body="Share <b>data</b> openly.")
    for letter in (older, newer):
        letter.published_at, letter.published_by = timezone.now(), UserFactory()
        letter.save(update_fields=["published_at", "published_by"])

    page = pages.read(client.get("/en/coalition/letter/v1/compare/v2/"))

    text = page.one("div", "letter__text")
    assert text.one("del").text == "[removed:] freely"
    assert text.one("ins").text == "[added:] openly"
    assert "<b>data</b>" in text.text
    assert "1 word was removed. 1 word was added." in page.text
    assert client.get("/en/coalition/letter/v1/compare/v1/")["Location"] == "/en/coalition/letter/v1/"


def test_nothing_is_compared_with_a_text_that_is_not_held_here(client: Client, record: None) -> None:
    page = pages.read(client.get("/en/coalition/letter/2018/compare/demonstration/"))

    assert "The text of one of these letters is not held here" in page.text


# Numbers ------------------------------------------------------------------------------------------------------------


def test_coalition_page_keeps_recorded_apart_from_signed_here(client: Client, record: None) -> None:
    page = pages.read(client.get("/en/coalition/"))

    assert stat(page, "recorded") == {
        "signatories of the Letter of 2018": "7", "further members, of whom no signature is known": "3"
    }  # fmt: skip
    assert stat(page, "here") == {
        "signatories who signed here": "0", "supporters": "0", "initiatives": "20", "pledges": "0",
        "entities in the directory": "115",
    }  # fmt: skip
    assert "Present status to be confirmed by the secretariat" in page.text
    assert "No procedure of the real Coalition is known." in page.text


def activate(entity: Entity, track: str) -> None:
    membership = Membership.objects.create(entity=entity, track=track, state_since=timezone.now())
    for state in ("review", "active"):
        Membership.objects.filter(pk=membership.pk).update(state=state)


def test_examples_are_never_counted(client: Client, record: None) -> None:
    example = EntityFactory(is_example=True, official_name_en="Example Company", kind="manufacturer")
    real = EntityFactory(official_name_en="Real Company", kind="manufacturer")
    before = stat(pages.read(client.get("/en/coalition/")), "here")
    demonstration = Letter.objects.get(version="demonstration")
    now, by = timezone.now(), UserFactory()

    def work(entity: Entity) -> None:
        state = {"publication": "published", "published_at": now, "published_by": by, "created_by": by}
        Initiative.objects.create(slug=f"i-{entity.pk}", entity=entity, kind="project", title_en="Work", **state)
        Pledge.objects.create(
            slug=f"p-{entity.pk}",
            entity=entity,
            purpose="platform",
            kind="data",
            title_en=f"Pledge of {entity}",
            **state,
        )
        activate(entity, "supporter")

    signed(demonstration, example)
    work(example)
    made_up = stat(pages.read(client.get("/en/coalition/")), "here")
    signed(published_letter(), real)
    work(real)
    counted = stat(pages.read(client.get("/en/coalition/")), "here")
    offered = pages.read(client.get("/en/coalition/private-sector/"))

    assert made_up == before
    assert {label: int(counted[label]) - int(before[label]) for label in counted} == {
        "signatories who signed here": 1, "supporters": 1, "initiatives": 1, "pledges": 1, "entities in the directory": 0
    }  # fmt: skip
    assert [h.text for h in offered.one("ol", data_offered="pledges").all("h3")] == ["Pledge of Real Company"]
    assert offered.one("ul", data_offered="supporters").all("a")[0].text == "Real Company"
    assert "Example Company" not in offered.text


def test_demonstration_letter_lists_examples_with_a_badge_and_no_count(client: Client, record: None) -> None:
    demonstration = Letter.objects.get(version="demonstration")
    signed(demonstration, EntityFactory(is_example=True, official_name_en="Example Ministry"))

    page = pages.read(client.get(DEMONSTRATION))
    sitemap = client.get("/sitemap-letters.xml").content.decode()

    assert page.one("tbody").one("th").text == "Example Ministry Made up for the demonstration"
    assert "1 entity" not in page.text
    assert "/letter/2018/" in sitemap
    assert "demonstration" not in sitemap


# Issue Management Group ------------------------------------------------------------------------------------------------


def test_page_of_the_group_gives_the_four_numbers_with_sources(client: Client, record: None) -> None:
    page = pages.read(client.get("/en/coalition/issue-management-group/"))

    assert [number.text for number in page.all("dd", "stat__number")] == ["14", "9", "154", "23"]
    sources = [link["href"] for link in page.one("main").all("a") if link.text.startswith("Source")]
    assert len(sources) >= 8
    assert {address.split("/")[0] for address in sources} <= {"https:", "http:"}
    assert page.all("a", href="/en/coalition/entities/emg/")


# Cost --------------------------------------------------------------------------------------------------------------------


def many_signatories(letter: Letter, number: int) -> None:
    """Rows in bulk: recorded ones, since they need the least."""
    start = Entity.objects.count()
    entities = Entity.objects.bulk_create(
        [EntityFactory.build(slug=f"many-{n}", official_name_en=f"Entity {n}") for n in range(start, start + number)]
    )
    memberships = Membership.objects.bulk_create(
        [
            Membership(
                entity=entity, letter=letter, origin="recorded", state="active", state_since=timezone.now(),
                recorded_on=date(2018, 3, 21), source_url="https://example.org/",
            )
            for entity in entities
        ]
    )  # fmt: skip
    Signature.objects.bulk_create(
        [
            Signature(
                membership=membership, entity=membership.entity, letter=letter, method="historical",
                signed_on=date(2018, 3, 21), entity_name="Entity", source_url="https://example.org/",
            )
            for membership in memberships
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/en/coalition/", "/en/coalition/letter/", LETTER_2018, f"{LETTER_2018}?on=2019-01-01", f"{LETTER_2018}?format=json",
        f"{LETTER_2018}signatories.csv", "/en/coalition/private-sector/", "/en/coalition/issue-management-group/",
    ],
)  # fmt: skip
def test_queries_do_not_grow_with_the_entities(client: Client, record: None, path: str) -> None:
    letter, used = Letter.objects.get(version="2018"), []
    client.get(path)

    for number in (1, 9, 990):
        many_signatories(letter, number)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path).status_code == 200
        used.append(len(queries))

    assert len(set(used)) == 1, used
    assert used[0] <= 8, used


def test_long_list_is_paged_and_keeps_the_day(client: Client, record: None) -> None:
    many_signatories(Letter.objects.get(version="2018"), 150)

    page = pages.read(client.get(f"{LETTER_2018}?on=2019-01-01&page=2"))

    assert len(page.one("tbody").all("tr")) == 57
    assert "?on=2019-01-01" in page.one("nav", "pagination").all("a")[0]["href"]
    assert client.get(f"{LETTER_2018}?page=3").status_code == 404


@pytest.mark.parametrize("language", ["ar", "zh-hans", "en", "fr", "ru", "es"])
def test_pages_open_in_every_language(client: Client, record: None, language: str) -> None:
    with translation.override(language):
        paths = [
            reverse(f"coalition:{name}") for name in ("home", "letter_list", "issue_management_group", "private_sector")
        ]
        paths += [reverse("coalition:letter_detail", args=[version]) for version in ("2018", "demonstration")]
        paths.append(reverse("coalition:letter_compare", args=["2018", "demonstration"]))

    for path in paths:
        response = client.get(path)
        page = pages.read(response)
        assert response.status_code == 200, path
        assert len(page.all("h1")) == 1, path
        assert not response.cookies, path
