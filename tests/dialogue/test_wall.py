from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from coalition import actions, ceremony
from coalition.models import Letter, Membership, Signature
from dialogue import wall
from dialogue.models import Dialogue, Session
from tests.coalition.factories import approved, published_letter
from tests.dialogue.factories import dialogue, live, part, session
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget_versions() -> None:
    wall._known.clear()


def signing(event: Dialogue, letter: Letter | None = None, **fields: object) -> Session:
    return session(event, kind="signing-ceremony", letter=letter or published_letter(), **fields)


def sign(membership: Membership) -> Signature:
    invitation = membership.invitations.alive().get()
    prepared = ceremony.prepare(invitation, language="en")
    ceremony.sign(invitation, sealed=prepared.sealed, code_was_checked=True, typed_name="Amina Example")
    return Signature.objects.get(membership=membership)


def test_the_wall_fills_in_protocol_order(client: Client) -> None:
    letter, event = published_letter(), live()
    ceremony_session = signing(event, letter)
    first, second = EntityFactory(official_name_en="Zeta"), EntityFactory(official_name_en="Alpha")
    part(event, session=ceremony_session, entity=first, person=None, role="signatory", position=1)
    part(event, session=ceremony_session, entity=second, person=None, role="signatory", position=2)
    membership = approved(entity=second, letter=letter)

    before = wall.boards(event)[0]
    signature = sign(membership)
    after = wall.boards(event)[0]

    assert [(place.entity_name, place.state) for place in before.places] == [
        ("Zeta", "expected"),
        ("Alpha", "expected"),
    ]
    assert [(place.entity_name, place.state) for place in after.places] == [("Zeta", "expected"), ("Alpha", "signed")]
    page = client.get(f"/en/dialogues/{event.slug}/wall/").content.decode()
    assert "1 of 2 entities have signed." in page
    assert str(signature.code) not in page


def test_a_signature_has_its_proof_once_countersigned(client: Client) -> None:
    letter, event = published_letter(), live()
    signing(event, letter)
    membership = approved(letter=letter)
    signature = sign(membership)
    address = f"/en/dialogues/{event.slug}/wall/"

    hidden = client.get(address).content.decode()
    actions.countersign(membership=Membership.objects.get(pk=membership.pk), by=UserFactory())
    shown = client.get(address).content.decode()

    assert str(membership.entity) not in hidden  # nobody announced it: it waits for the countersignature
    assert f"/en/coalition/verify/{signature.code}/" in shown


def test_an_unchanged_wall_is_304_without_a_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    letter, event = published_letter(), live()
    ceremony_session = signing(event, letter)
    membership = approved(letter=letter)
    part(event, session=ceremony_session, entity=membership.entity, person=None, role="signatory")
    address = f"/en/dialogues/{event.slug}/wall/now/"

    tag = client.get(address)["ETag"]
    with django_assert_num_queries(0):
        unchanged = client.get(address, headers={"If-None-Match": tag})
    sign(membership)
    wall._known.clear()
    changed = client.get(address, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (changed.status_code, changed["ETag"] != tag) == (200, True)
    assert changed["Cache-Control"] == "public, no-cache"


def test_the_wall_of_a_draft_or_without_ceremony_is_not_there(client: Client) -> None:
    without, event = live(), live()
    signing(event, state="draft")

    for slug in (without.slug, event.slug, "nothing"):
        assert client.get(f"/en/dialogues/{slug}/wall/").status_code == 404
        assert client.get(f"/en/dialogues/{slug}/wall/now/").status_code == 404


def test_a_historical_ceremony_claims_nothing_more(client: Client) -> None:
    entity = EntityFactory(official_name_en="Programme of today")
    letter = Letter.objects.create(
        version="1999", kind="historical", title_en="Letter", dated=date(2018, 3, 21), source_url="https://example.org/",
    )  # fmt: skip
    membership = Membership.objects.create(
        entity=entity, origin="recorded", state="active", state_since="2018-03-21T00:00Z", recorded_on="2018-03-21",
        source_url="https://example.org/", letter=letter,
    )  # fmt: skip
    Signature.objects.create(
        membership=membership, entity=entity, letter=letter, method="historical", signed_on="2018-03-21",
        entity_name="Programme of then", source_url="https://example.org/",
    )  # fmt: skip
    event = dialogue()
    ceremony_session = signing(event, letter)
    part(event, session=ceremony_session, entity=entity, person=None, role="signatory", entity_then="Programme of then")

    board = wall.boards(event)[0]
    rows = client.get(f"/en/dialogues/{event.slug}/signatories.csv").content.decode("utf-8-sig").splitlines()

    assert [(p.entity_name, p.entity_then, p.state) for p in board.places] == [
        ("Programme of today", "Programme of then", "listed")
    ]
    assert rows[1].endswith(",listed,2018-03-21,,historical,,,https://example.org/")


@pytest.mark.parametrize("size", [1, 4])
def test_a_board_takes_as_many_queries_for_many_as_for_one(
    size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    letter, event = published_letter(), live()
    ceremony_session = signing(event, letter)
    for _number in range(size):
        part(event, session=ceremony_session, entity=EntityFactory(), person=None, role="signatory")
    sign(approved(letter=letter))

    with django_assert_num_queries(3):
        boards = wall.boards(event)
        [(place.entity_name, place.state) for board in boards for place in board.places]
