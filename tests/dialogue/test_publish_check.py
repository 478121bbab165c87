"""What blocks a publication and what warns, each both ways."""

from datetime import timedelta

import pytest

from dialogue.balance import balance
from dialogue.models import Dialogue
from dialogue.publish_check import check
from ewaste_portal.models import Country
from tests.coalition.factories import published_letter
from tests.dialogue.factories import draft, outcome, part, person, session
from tests.factories import EntityFactory

pytestmark = pytest.mark.django_db


def found(event: Dialogue, *words: str) -> list[tuple[str, str]]:
    """Findings whose sentence has one of the words, without the languages."""
    rows = [(finding.level, finding.text) for finding in check(Dialogue.objects.get(pk=event.pk))]
    return [row for row in rows if any(word in row[1] for word in words)]


def test_a_moderator_from_the_un_needs_a_reason() -> None:
    event = draft()
    panel = session(event, state="draft")
    un = part(event, session=panel, role="moderator", person=person(name="Ana"), entity=EntityFactory(kind="un-body"))

    blocked = found(event, "moderates")
    event.moderator_reason_en = "Nobody else could come."
    event.save()
    excused = found(event, "moderates")
    Dialogue.objects.filter(pk=event.pk).update(moderator_reason_en="")
    un.entity = EntityFactory(kind="ngo")
    un.save()

    assert [level for level, _text in blocked] == ["block"]
    assert excused == found(event, "moderates") == []


def test_a_meeting_without_panel_needs_no_moderator() -> None:
    plain, panel = draft(), draft()
    session(plain, kind="opening", state="draft")
    session(panel, kind="panel", state="draft")

    assert found(plain, "moderator") == []
    assert found(panel, "moderator") == [("warn", "A panel or signing ceremony has a moderator: nobody is entered.")]


def test_signatories_are_complete_and_in_order() -> None:
    event = draft()
    ceremony = session(event, kind="signing-ceremony", letter=published_letter(), state="draft")
    entity = EntityFactory()
    one, two, three = (person(name=name) for name in ("One", "Two", "Three"))
    facts = {"session": ceremony, "role": "signatory", "entity": entity, "title_then": "Head"}
    part(event, **{**facts, "person": one, "position": 1})
    part(event, **{**facts, "person": two, "position": 1})
    part(event, **{**facts, "person": three, "position": 0, "title_then": "", "entity": None})

    assert sorted(found(event, "signator")) == [
        ("block", "The signatories One and Two have the same place in the protocol order."),
        ("block", "The signatory Three has no entity."),
        ("block", "The signatory Three has no place in the protocol order."),
        ("block", "The signatory Three has no title."),
    ]


def test_a_signing_needs_a_published_letter() -> None:
    letter = published_letter()
    event, other = draft(), draft()
    session(event, kind="signing-ceremony", title_en="Signing", letter=letter, state="draft")
    open_letter = type(letter).objects.create(version="draft", title_en="Draft", dated=letter.dated)
    session(other, kind="signing-ceremony", title_en="Signing", letter=open_letter, state="draft")

    assert found(event, "needs a Letter") == []
    assert found(other, "needs a Letter") == [
        ("block", "The signing ceremony “Signing” needs a Letter of Intent that is published.")
    ]


def test_one_room_and_one_person_at_a_time() -> None:
    event = draft(room_en="Room 2")
    half = event.starts_at + timedelta(minutes=45)
    first = session(event, title_en="First", starts_at=event.starts_at, ends_at=event.ends_at)
    second = session(event, title_en="Second", starts_at=half, ends_at=event.ends_at, room="Room 2")
    third = session(event, title_en="Third", starts_at=half, ends_at=event.ends_at, room="Room 3")
    ana = person(name="Ana")
    for row in (first, third):
        part(event, session=row, person=ana)
    part(event, session=second, person=person(name="Ben"))

    assert found(event, "at the same time") == [
        ("block", "The sessions “First” and “Second” are in one room at the same time."),
        ("block", "Ana has a part in “First” and in “Third” at the same time."),
    ]
    assert [finding.text for finding in check(event, without={first.pk}) if finding.blocks] == []


def test_a_panel_has_both_sides_of_industry() -> None:
    event = draft()
    panel = session(event, state="draft")
    part(event, session=panel, sector="ict-manufacturer")
    before = found(event, "panel.")
    part(event, session=panel, entity=EntityFactory(kind="recycler"), person=person())

    assert before == [("warn", "Nobody from the recycling industry is on the panel.")]
    assert found(event, "panel.") == []


def test_outcomes_have_source_and_owner_and_texts_are_missing() -> None:
    event = draft(title_fr="Titre")
    outcome(event, text_en="Known", source_url="https://example.org/", owner=EntityFactory(), text_fr="Connu")
    outcome(event, text_en="Unknown")

    assert found(event, "” has") == [("warn", "“Unknown” has neither a source nor an owner.")]
    assert found(event, "French", "Spanish") == [
        ("warn", "French: 1 text is missing (“Unknown”)."),
        ("warn", "Spanish: 3 texts are missing (Title, “Known”, “Unknown”)."),
    ]


def test_an_unchecked_entity_warns() -> None:
    event = draft()
    part(event, entity=EntityFactory(official_name_en="Unchecked", unchecked=True))
    part(event, entity=EntityFactory())

    assert found(event, "public page") == [("warn", "“Unchecked” has no public page: check or merge it first.")]


def test_findings_lead_to_the_field_in_as_many_queries_for_one_row_as_for_three(
    django_assert_max_num_queries: object,
) -> None:
    def prepared(count: int) -> Dialogue:
        event = draft()
        for _number in range(count):
            part(event, session=session(event, state="draft"), entity=EntityFactory())
            outcome(event)
        return Dialogue.objects.get(pk=event.pk)

    for count in (1, 3):
        event = prepared(count)
        with django_assert_max_num_queries(8):
            findings = check(event)
        assert {finding.url.split("#")[0] for finding in findings} == {f"/admin/dialogue/dialogue/{event.pk}/change/"}
        assert all("#" in finding.url for finding in findings)


def test_the_balance_counts_each_person_once() -> None:
    event = draft()
    kenya, france = Country.objects.get(pk="KEN"), Country.objects.get(pk="FRA")
    un, maker = EntityFactory(country=kenya), EntityFactory(kind="manufacturer", country=france)
    ana = person()
    part(event, person=ana, entity=un, minutes=5)
    part(event, person=ana, entity=un, role="opening-speaker", minutes=10)
    part(event, entity=maker, minutes=5)
    part(event, sector="recycling-industry", minutes=20)
    part(event, entity=maker, role="observer", minutes=100)

    found = balance(event)

    assert [(bar.label, bar.count, bar.minutes) for bar in found.sectors if bar.count] == [
        ("United Nations system", 1, 15),
        ("ICT manufacturer", 1, 5),
        ("Recycling industry", 1, 20),
    ]
    assert [(bar.label, bar.count) for bar in found.regions] == [
        ("Africa", 1),
        ("Europe", 1),
        ("None, or not known", 1),
    ]
    assert (found.count, found.minutes, found.outside.count, found.outside.minutes) == (3, 40, 2, 25)
