"""Two records of one organization become one: what goes over, what has to be settled first, who may do it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.test import Client

from coalition import actions, journal
from coalition.models import Entity, JournalEntry, Mandate, Membership
from ewaste_portal.models import User
from knowledge.models import ResourcePublisher
from tests.coalition.factories import application, focal_point, in_review, initiative, pledge
from tests.coalition.test_directory import recorded
from tests.factories import EntityFactory, UserFactory, published_resource
from tests.pages import read

pytestmark = pytest.mark.django_db

LIST = "/admin/coalition/entity/"


@pytest.fixture
def pair() -> tuple[Entity, Entity]:
    return EntityFactory(slug="old", official_name_en="Old"), EntityFactory(slug="new", official_name_en="New")


def head(entity: Entity, first: date, after: date | None = None, name: str = "Ada Example") -> Mandate:
    return Mandate.objects.create(entity=entity, role="head", name=name, during=(first, after))


def rows_of(entity: Entity) -> dict[str, set[int]]:
    """What refers to an entity, by relation."""
    names = {relation.get_accessor_name() for relation in Entity._meta.related_objects} - {"events"}
    return {name: set(getattr(entity, name).values_list("pk", flat=True)) for name in names}


@contextmanager
def refused(*parts: str, entity: Entity, into: Entity) -> Iterator[None]:
    """In a sentence that has the parts, while no row changes."""
    before = rows_of(entity), rows_of(into), JournalEntry.objects.count()
    with pytest.raises(ValidationError) as caught:
        yield
    assert [part for part in parts if part not in " ".join(caught.value.messages)] == []
    assert (rows_of(entity), rows_of(into), JournalEntry.objects.count()) == before


# What goes over ------------------------------------------------------------------------------------------


def test_everything_that_refers_to_an_entity_is_known_here() -> None:
    """A new relation has to decide what a merge does with it."""
    assert set(rows_of(EntityFactory())) == {
        "mandates", "memberships", "nominations", "initiatives", "partner_initiatives", "pledges",  # go over
        "merged_from",  # follow
        "signatures", "resourcepublisher_set", "resources",  # stay, and are read through `merged_into`
        "organized_dialogues", "participations", "statements", "questions", "answers",  # as it was then: likewise
    }  # fmt: skip


def test_people_files_and_work_go_over(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    person, boss = focal_point(old), head(old, date(2020, 1, 1))
    membership, nominated = application(old, by=person), application(EntityFactory())
    Membership.objects.filter(pk=nominated.pk).update(nominated_by=old)
    work, offer = initiative("Doing", entity=old), pledge("Offer", entity=old)
    partnered = initiative("Helping", partners=(old,))
    before = rows_of(old)

    actions.merge(entity=old, into=new, by=UserFactory())

    assert rows_of(new) == before | {"merged_from": {old.pk}}
    assert not any(rows_of(old).values())
    assert (set(new.mandates.all()), list(new.memberships.all())) == (
        {boss, Mandate.objects.get(user=person)},
        [membership],
    )
    assert (list(new.nominations.all()), list(new.initiatives.all()), list(new.pledges.all())) == (
        [nominated],
        [work],
        [offer],
    )
    assert list(partnered.partners.all()) == [new]
    assert list(Entity.objects.managed_by(person)) == [new]


def test_nobody_is_partner_twice_or_of_its_own_initiative(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    both = initiative("Both", partners=(old, new))
    own, others = initiative("Own", entity=old, partners=(new,)), initiative("Other's", entity=new, partners=(old,))

    actions.merge(entity=old, into=new, by=UserFactory())

    assert [list(row.partners.all()) for row in (both, own, others)] == [[new], [], []]


def test_journal_tells_of_the_merge_in_a_line_and_in_each_file(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    membership, by = application(old), UserFactory()

    actions.merge(entity=old, into=new, by=by)

    lines = [json.loads(entry.payload) for entry in JournalEntry.objects.order_by("-pk")[:2]]
    facts = [(line["event"], line["membership"], line["entity"], line["merged"], line["account"]) for line in lines]
    assert facts == [
        ("moved by a merge", membership.pk, "new", "old", by.pk),
        ("entities merged", None, "new", "old", by.pk),
    ]
    assert journal.verify() == []


def test_signatures_stay_as_they_were_made_and_are_shown(client: Client, pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    membership = recorded(old)

    actions.merge(entity=old, into=new, by=UserFactory())

    signature = membership.signatures.get()
    page = read(client.get(new.get_absolute_url())).one("main").text
    assert (signature.entity, signature.entity_name, Membership.objects.get().entity) == (old, "Old", new)
    assert "Signed on" in page
    assert "Signatures on Letters of Intent" in page


def test_resources_keep_the_publisher_of_their_title_page_and_name_the_successor_once(
    client: Client, pair: tuple[Entity, Entity]
) -> None:
    old, new = pair
    resource = published_resource(publishers=[old, new])

    actions.merge(entity=old, into=new, by=UserFactory())

    assert set(ResourcePublisher.objects.values_list("entity", flat=True)) == {old.pk, new.pk}
    page = read(client.get(resource.get_absolute_url()))
    assert [link.text for link in page.all("a", href=new.get_absolute_url())] == ["New"]
    found = client.get("/en/resources/?publisher=new").context["results"]
    assert (found.ids, found.total) == ([resource.pk], 1)


def test_old_addresses_lead_to_todays_page_even_after_a_renaming(client: Client, pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    Entity.objects.filter(pk=old.pk).update(slug="older")

    actions.merge(entity=old, into=new, by=UserFactory())

    for slug in ("old", "older"):
        answer = client.get(f"/en/coalition/entities/{slug}/")
        assert (answer.status_code, answer["Location"]) == (301, "/en/coalition/entities/new/")


def test_people_of_an_entity_that_nobody_checked_ask_anew(
    pair: tuple[Entity, Entity], django_capture_on_commit_callbacks: Any, mailoutbox: list[Any]
) -> None:
    """Anybody may add an entity, call it by a known name and be its focal point at once."""
    _old, new = pair
    fake = EntityFactory(unchecked=True)
    stranger, known = focal_point(fake), focal_point(new)

    with django_capture_on_commit_callbacks(execute=True):
        actions.merge(entity=fake, into=new, by=UserFactory())

    assert not Entity.objects.managed_by(stranger).exists()
    assert list(Entity.objects.managed_by(known)) == [new]
    assert [mandate.user for mandate in Mandate.objects.waiting()] == [stranger]
    assert known.email in {address for mail in mailoutbox for address in mail.to}


# What has to be settled first ----------------------------------------------------------------------------


def test_two_heads_on_one_day_are_refused_and_one_after_the_other_is_not(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    first = head(old, date(2020, 1, 1), name="Ada Example")
    head(new, date(2021, 1, 1), name="Bo Example")

    with refused("Ada Example and Bo Example", entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())
    actions.end_role(mandate=first, on=date(2021, 1, 1))
    actions.merge(entity=old, into=new, by=UserFactory())

    assert new.mandates.filter(role="head").count() == 2


def test_two_open_files_of_a_track_are_refused_and_others_are_not(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    going = in_review(entity=old)
    recorded(new)

    with refused("Signatory", "In review", "Active", entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())
    actions.lapse(membership=going)
    application(old, track="supporter", by=going.owner)
    actions.merge(entity=old, into=new, by=UserFactory())

    assert sorted(new.memberships.values_list("track", "state")) == [
        ("signatory", "active"),
        ("signatory", "lapsed"),
        ("supporter", "draft"),
    ]


def test_person_with_one_role_in_both_is_refused(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    person = focal_point(old)
    twice = Mandate.objects.create(
        entity=new, user=person, role="focal-point", name="Focal Point", during=(date(2020, 1, 1), None)
    )

    with refused("Focal Point has the role “Focal point” in both", entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())
    actions.end_role(mandate=twice)
    actions.merge(entity=old, into=new, by=UserFactory())

    assert new.mandates.count() == 2


def test_two_pledges_of_one_title_are_refused_unless_one_is_withdrawn(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    pledge("Offer", entity=new)
    going = pledge("Offer", entity=old)

    with refused("“Offer”", entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())
    type(going).objects.filter(pk=going.pk).update(publication="withdrawn")
    actions.merge(entity=old, into=new, by=UserFactory())

    assert new.pledges.count() == 2


def test_every_obstacle_is_told_at_once(pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    for entity in pair:
        head(entity, date(2020, 1, 1))
        pledge("Offer", entity=entity)

    with refused("Head", "“Offer”", entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())


@pytest.mark.parametrize("facts", [{"unchecked": True}, {"is_example": True}])
def test_real_public_entity_does_not_vanish_into_one_that_is_not(facts: dict[str, bool]) -> None:
    old, new = EntityFactory(), EntityFactory(**facts)

    with refused(entity=old, into=new):
        actions.merge(entity=old, into=new, by=UserFactory())

    assert Entity.objects.public().filter(pk=old.pk).exists()


# Who may -------------------------------------------------------------------------------------------------


def staff(*codenames: str) -> User:
    user: User = UserFactory(verified=True, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_entity", "change_entity", *codenames]))
    return user


@pytest.mark.parametrize(("codenames", "goes"), [((), False), (("review_membership",), True)])
def test_entity_with_people_takes_a_reviewer_and_a_mere_publisher_does_not(
    client: Client, pair: tuple[Entity, Entity], codenames: tuple[str, ...], goes: bool
) -> None:
    old, new = pair
    bare = EntityFactory()
    focal_point(old)
    client.force_login(staff(*codenames))

    data = {"action": "merge", "_selected_action": [old.pk, bare.pk], "confirmed": "yes", "into": new.pk}
    answer = client.post(LIST, data)

    old.refresh_from_db()
    bare.refresh_from_db()
    assert ((old.merged_into == new), bare.merged_into) == (goes, new)
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert any("a reviewer has to merge it" in sentence for sentence in told) is not goes


def test_refusal_names_the_entity_and_what_to_do(admin_client: Client, pair: tuple[Entity, Entity]) -> None:
    old, new = pair
    for entity in pair:
        head(entity, date(2020, 1, 1))

    data = {"action": "merge", "_selected_action": [old.pk], "confirmed": "yes", "into": new.pk}
    answer = admin_client.post(LIST, data)

    (sentence,) = [str(message) for message in get_messages(answer.wsgi_request)]
    assert sentence.startswith("Old: Both have a Head on the same days")
