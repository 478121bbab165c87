"""Initiatives and pledges: what the public sees of them, who may contribute, who may publish."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from coalition import actions, permissions, work_actions
from coalition.models import Entity, Initiative, Mandate, Pledge, PledgeUpdate
from ewaste_portal.models import User
from tests.coalition.factories import focal_point, initiative, pledge
from tests.factories import EntityFactory, UserFactory
from tests.pages import read

pytestmark = pytest.mark.django_db

INITIATIVES, PLEDGES = "/en/coalition/initiatives/", "/en/coalition/pledges/"
SCRIPT, FORMULA = "<script>alert(1)</script>", "=1+1"


def publisher() -> User:
    user = UserFactory(verified=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["publish_initiative", "publish_pledge"]))
    return user


def titles(client: Client, address: str) -> list[str]:
    return [row.title for row in client.get(address).context["rows"]]


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ValidationError) as caught:
        yield
    assert caught.value.code == code


# The public lists ----------------------------------------------------------------------------------------


def test_only_what_is_published_is_public(client: Client) -> None:
    shown = initiative("Shown")
    hidden = [initiative(state, publication=state) for state in ("draft", "submitted", "withdrawn")]

    assert titles(client, INITIATIVES) == ["Shown"]
    assert client.get(shown.get_absolute_url()).status_code == 200
    assert [client.get(row.get_absolute_url()).status_code for row in hidden] == [404] * 3
    for form in ("csv", "json", "atom"):
        body = b"".join(client.get(f"{INITIATIVES}?format={form}")).decode()
        assert [row.title in body for row in (shown, *hidden)] == [True, False, False, False]


def test_what_was_public_once_keeps_its_address_and_tells_nothing(client: Client) -> None:
    row, offer = initiative("Was here"), pledge("Was offered")
    work_actions.withdraw(work=row, by=publisher())
    work_actions.take_back(work=offer, by=publisher())

    answers = [client.get(work.get_absolute_url()) for work in (row, offer)]

    assert [answer.status_code for answer in answers] == [410, 410]
    assert [b"Was" in answer.content for answer in answers] == [False, False]


def test_facets_count_exactly(client: Client) -> None:
    lead, partner = EntityFactory(slug="lead"), EntityFactory(slug="partner")
    initiative(
        "A",
        entity=lead,
        partners=(partner,),
        places=("KEN", "UGA"),
        focus=["chemicals", "statistics"],
        stages=["treatment"],
    )
    initiative("B", entity=partner, kind="training", places=("FRA",), status="completed", focus=["chemicals"])
    initiative("C", entity=lead, places=("001",))

    counts = client.get(INITIATIVES).context["found"].counts
    narrowed = client.get(INITIATIVES + "?entity=partner&place=002").context["found"]

    assert counts["entity"] == {"lead": 2, "partner": 2}
    assert counts["kind"] == {"project": 2, "training": 1}
    assert counts["focus"] == {"chemicals": 2, "statistics": 1}
    assert counts["stage"] == {"treatment": 1}
    assert counts["status"] == {"unknown": 2, "completed": 1}
    assert counts["place"] == {"KEN": 1, "UGA": 1, "014": 1, "202": 1, "002": 1, "FRA": 1, "155": 1, "150": 1, "001": 1}
    assert (narrowed.total, narrowed.counts["entity"], narrowed.counts["place"]["FRA"]) == (
        1,
        {"lead": 1, "partner": 1},
        1,
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["New", "Old", "Ageless"]),
        ("?year_from=2015", ["New", "Old"]),
        ("?year_to=2012", ["Old"]),
        ("?year_from=2016&year_to=2017", ["New"]),
        ("?sort=title", ["Ageless", "New", "Old"]),
        ("?year_from=x", ["New", "Old", "Ageless"]),
        ("?year_from=99999999999", ["New", "Old", "Ageless"]),
    ],
)
def test_years_mean_periods_that_touch(client: Client, query: str, found: list[str]) -> None:
    initiative("New", first_year=2016)
    initiative("Old", first_year=2010, last_year=2015)
    initiative("Ageless")

    assert titles(client, INITIATIVES + query) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [("economia", ["Economía"]), ("mercury lamps", ["Economía"]), ("lamp GEF", []), ("enviromental", ["Other"])],
)
def test_initiatives_are_searched_in_all_languages(client: Client, words: str, found: list[str]) -> None:
    initiative("Economía", summary_fr="Mercury in lamps")
    initiative("Other", summary_en="Environmental law")

    assert titles(client, f"{INITIATIVES}?q={words}") == found


def test_merged_entity_counts_as_its_successor(client: Client) -> None:
    old, new = EntityFactory(slug="old"), EntityFactory(slug="new")
    initiative("A", entity=old)
    actions.merge(entity=old, into=new, by=UserFactory())

    assert client.get(INITIATIVES).context["found"].counts["entity"] == {"new": 1}
    assert titles(client, INITIATIVES + "?entity=new") == ["A"]


def test_examples_are_shown_apart_and_never_counted(client: Client) -> None:
    example = EntityFactory(is_example=True)
    initiative("Made up", entity=example), initiative("Real")
    pledge("Made up", entity=example), pledge("Real")

    for address in (INITIATIVES, PLEDGES):
        response = client.get(address)
        assert [row.title for row in response.context["rows"]] == ["Real"]
        assert [row.title for row in response.context["examples"]] == ["Made up"]
        assert (response.context["found"].total, sum(response.context["found"].counts["kind"].values())) == (1, 1)
        for form in ("csv", "json", "atom"):
            assert "Made up" not in b"".join(client.get(f"{address}?format={form}")).decode()


@pytest.mark.parametrize(
    "address", [INITIATIVES, PLEDGES, INITIATIVES + "?q=doing&entity=lead&place=KEN", PLEDGES + "?q=offer&entity=lead"]
)
def test_number_of_queries_does_not_grow(client: Client, django_assert_max_num_queries: Any, address: str) -> None:
    lead, partner, staff = EntityFactory(slug="lead"), EntityFactory(), UserFactory()
    facts = {"entity": lead, "publication": "published", "published_at": timezone.now(), "published_by": staff}
    for number in (1, 2, 997):
        rows = Initiative.objects.bulk_create(
            Initiative(
                slug=f"i{number}-{n}",
                title=f"Doing {n}",
                title_en=f"Doing {n}",
                kind="project",
                source_url="https://example.org",
                **facts,
            )
            for n in range(number)
        )
        for row in rows[:3]:
            row.countries.add("KEN")
            row.partners.add(partner)
        Pledge.objects.bulk_create(
            Pledge(
                slug=f"p{number}-{n}",
                title=f"Offer {number} {n}",
                title_en=f"Offer {number} {n}",
                text_en="x",
                kind="data",
                purpose="platform",
                **facts,
            )
            for n in range(number)
        )
        with django_assert_max_num_queries(8):
            assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "?entity=' OR 1=1",
        "?entity=%00",
        "?q=%00%25",
        "?place=x",
        "?kind={rows}",
        "?year_to=-1",
        "?focus=a&focus=b",
        "?stage=" + "x" * 999,
    ],
)
def test_hostile_questions_are_answered(client: Client, query: str) -> None:
    initiative(), pledge()

    assert [client.get(address + query).status_code for address in (INITIATIVES, PLEDGES)] == [200, 200]


def test_texts_are_text_in_pages_and_no_formula_in_files(client: Client) -> None:
    entity = EntityFactory(official_name_en=FORMULA + SCRIPT)
    row = initiative(SCRIPT, summary_en=FORMULA, entity=entity)
    offer = pledge(SCRIPT, text_en=FORMULA, entity=entity, initiative=row, purpose="initiative")
    work_actions.add_update(pledge=offer, by=UserFactory(), on=date(2026, 1, 1), text=SCRIPT)

    for address in (INITIATIVES, PLEDGES, row.get_absolute_url(), offer.get_absolute_url()):
        assert SCRIPT not in client.get(address).content.decode()
    for address, column in ((INITIATIVES, "summary"), (PLEDGES, "text")):
        (line,) = csv.DictReader(io.StringIO(b"".join(client.get(address + "?format=csv")).decode("utf-8-sig")))
        assert (line[column], line["entity"]) == ("'" + FORMULA, "'" + FORMULA + SCRIPT)


def test_json_and_feed_tell_what_is_public(client: Client) -> None:
    initiative("A", title_fr="Un", entity=EntityFactory(slug="lead"), places=("KEN",), focus=["chemicals"])
    pledge("B", amount=1000, currency="USD", during=(date(2026, 1, 1), date(2027, 1, 1)))

    (item,) = json.loads(client.get(INITIATIVES + "?format=json").content)["items"]
    (offer,) = json.loads(client.get(PLEDGES + "?format=json").content)["items"]
    feed = ET.fromstring(client.get(PLEDGES + "?format=atom").content)

    assert (item["title"], item["entity"], item["countries"], item["focus"]) == (
        {"en": "A", "fr": "Un"},
        "lead",
        ["KEN"],
        ["chemicals"],
    )
    assert (offer["amount"], offer["currency"], offer["from"], offer["to"]) == (
        "1000.00",
        "USD",
        "2026-01-01",
        "2026-12-31",
    )
    assert len(feed.findall("{*}entry")) == 1


def test_pages_tell_source_partners_pledges_and_progress(client: Client, django_assert_max_num_queries: Any) -> None:
    partner = EntityFactory(official_name_en="Partner")
    row = initiative(
        "Doing", partners=(partner,), places=("KEN", "150"), focus=["chemicals"], stages=["treatment"], first_year=2019
    )
    offer = pledge(
        "Offer", initiative=row, purpose="initiative", amount=1000, currency="USD", during=(date(2026, 1, 1), None)
    )
    work_actions.add_update(pledge=offer, by=UserFactory(), on=date(2026, 2, 1), text="First delivery.")

    with django_assert_max_num_queries(12):
        about = read(client.get(row.get_absolute_url())).one("main").text
    with django_assert_max_num_queries(12):
        offered = read(client.get(offer.get_absolute_url())).one("main").text

    assert all(
        words in about
        for words in (
            "Partner",
            "Kenya",
            "Europe",
            "Chemicals",
            "Treatment",
            "2019",
            "https://example.org/source",
            "Offer",
        )
    )
    assert all(words in offered for words in ("First delivery.", "1,000 USD", "Doing"))


@pytest.mark.parametrize("language", ["ar", "zh-hans", "fr", "ru", "es"])
def test_pages_exist_in_every_language(client: Client, language: str) -> None:
    row, offer = initiative(), pledge()

    for path in (
        "initiatives/",
        f"initiatives/{row.slug}/",
        "pledges/",
        f"pledges/{offer.slug}/",
        "initiatives/?values=place",
    ):
        assert client.get(f"/{language}/coalition/{path}").status_code == 200


# Changes of state ------------------------------------------------------------------------------------------


def test_draft_goes_to_the_secretariat_and_becomes_public(django_capture_on_commit_callbacks: Any) -> None:
    author, staff = focal_point(), publisher()
    entity = author.mandates.get().entity
    row = initiative(publication="draft", entity=entity, created_by=author)

    with django_capture_on_commit_callbacks(execute=True):
        work_actions.submit(work=row, by=author)
        work_actions.publish(work=row, by=staff)

    row.refresh_from_db()
    assert (row.publication, row.published_by) == ("published", staff)
    assert [message.subject for message in mail.outbox] == ["Submitted for publication: Doing", "Published: Doing"]
    assert row.get_absolute_url() in mail.outbox[1].body


def test_return_tells_the_reason(django_capture_on_commit_callbacks: Any) -> None:
    author = focal_point()
    row = pledge(publication="submitted", entity=author.mandates.get().entity, created_by=author)

    with refused("reason"):
        work_actions.return_for_changes(work=row, by=publisher(), reason=" ")
    with django_capture_on_commit_callbacks(execute=True):
        work_actions.return_for_changes(work=row, by=publisher(), reason="Name the amount.")

    assert Pledge.objects.get(pk=row.pk).publication == "draft"
    assert "Name the amount." in mail.outbox[0].body


@pytest.mark.parametrize(
    ("act", "state"),
    [
        ("submit", "submitted"),
        ("submit", "published"),
        ("submit", "withdrawn"),
        ("publish", "published"),
        ("publish", "withdrawn"),
        ("take_back", "draft"),
        ("withdraw", "withdrawn"),
    ],
)
def test_step_out_of_turn_is_refused(act: str, state: str) -> None:
    row = initiative(publication=state)

    with refused("state"):
        getattr(work_actions, act)(work=row, by=UserFactory())

    assert Initiative.objects.get(pk=row.pk).publication == state


def test_publishing_waits_for_what_it_rests_on() -> None:
    staff = publisher()
    unchecked = EntityFactory(unchecked=True)

    with refused("entity"):
        work_actions.publish(work=initiative(publication="submitted", entity=unchecked), by=staff)
    with refused("source"):
        work_actions.publish(work=initiative(publication="submitted", source_url=""), by=staff)
    with refused("initiative"):
        work_actions.publish(
            work=pledge(publication="submitted", purpose="initiative", initiative=initiative(publication="draft")),
            by=staff,
        )


def test_initiative_with_published_pledges_is_not_withdrawn() -> None:
    row = initiative()
    pledge(purpose="initiative", initiative=row)

    with refused("pledges"):
        work_actions.withdraw(work=row, by=publisher())


def test_progress_notes_are_only_added() -> None:
    offer, user = pledge(), UserFactory()

    note = work_actions.add_update(pledge=offer, by=user, on=date(2026, 1, 1), text="Sent.")
    again = work_actions.add_update(pledge=offer, by=user, on=date(2026, 1, 1), text="Sent.")
    with refused("future"):
        work_actions.add_update(pledge=offer, by=user, on=timezone.localdate() + timedelta(days=1), text="Will be.")
    with refused("state"):
        work_actions.add_update(pledge=pledge("Draft", publication="draft"), by=user, on=date(2026, 1, 1), text="Sent.")
    with pytest.raises(DatabaseError), transaction.atomic():
        PledgeUpdate.objects.filter(pk=note.pk).update(text="Never sent.")

    assert (again, PledgeUpdate.objects.get().text) == (note, "Sent.")


def test_who_may_do_what() -> None:
    author, staff, stranger = focal_point(), publisher(), UserFactory()
    entity = author.mandates.get().entity
    draft, public = initiative(publication="draft", entity=entity), pledge(entity=entity)
    people = (author, staff, stranger)

    assert [permissions.can_edit_work(user, draft) for user in people] == [True, False, False]
    assert [permissions.can_edit_work(user, public) for user in people] == [False, False, False]
    assert [permissions.can_publish_work(user, draft) for user in people] == [False, True, False]
    assert [permissions.can_withdraw_work(user, public) for user in people] == [True, True, False]
    assert [permissions.can_add_update(user, public) for user in people] == [True, False, False]


# The focal point's pages -----------------------------------------------------------------------------------


@pytest.fixture
def author(client: Client) -> User:
    user = focal_point(EntityFactory(slug="mine", official_name_en="Mine"))
    client.force_login(user)
    return user


WORKSPACE = "/en/coalition/workspace/mine/"
INITIATIVE = {
    "title_en": "Collecting", "summary_en": "We collect.", "title_fr": "Collecte", "kind": "project", "status": "under-way",
    "focus": ["chemicals"], "stages": ["collection"], "countries": ["KEN"], "regions": ["150"], "first_year": "2020",
    "partners": "itu\nOther Body", "website": "https://example.org",
}  # fmt: skip
PLEDGE = {
    "title_en": "Data",
    "text_en": "Our data.",
    "kind": "data",
    "purpose": "platform",
    "amount": "10",
    "currency": "usd",
    "first_day": "2026-01-01",
    "last_day": "2026-12-31",
}


def test_focal_point_writes_an_initiative_and_submits_it(client: Client, author: User) -> None:
    EntityFactory(slug="itu"), EntityFactory(official_name_en="Other Body")

    saved = client.post(WORKSPACE + "initiatives/new/", INITIATIVE)
    row = Initiative.objects.get()
    changed = client.post(saved["Location"], {**INITIATIVE, "title_en": "Collecting more", "partners": "ITU"})
    submitted = client.post(saved["Location"] + "submit/")
    row.refresh_from_db()

    assert (saved["Location"], changed.status_code, submitted.status_code) == (
        WORKSPACE + "initiatives/collecting/",
        302,
        302,
    )
    assert (row.title_en, row.title_fr, row.publication, row.created_by) == (
        "Collecting more",
        "Collecte",
        "submitted",
        author,
    )
    assert (row.focus, row.stages, list(row.countries.values_list("pk", flat=True))) == (
        ["chemicals"],
        ["collection"],
        ["KEN"],
    )
    assert [partner.slug for partner in row.partners.all()] == ["itu"]
    assert client.get(row.get_absolute_url()).status_code == 404


def test_focal_point_offers_a_pledge_and_tells_its_progress(client: Client, author: User) -> None:
    saved = client.post(WORKSPACE + "pledges/new/", PLEDGE)["Location"]
    client.post(saved + "submit/")
    row = Pledge.objects.get()
    work_actions.publish(work=row, by=publisher())

    told = client.post(saved + "update/", {"on": "2026-02-01", "text": "Delivered."})
    row.refresh_from_db()

    assert (row.currency, row.during.lower, row.during.upper) == ("USD", date(2026, 1, 1), date(2027, 1, 1))
    assert told["Location"] == row.get_absolute_url()
    assert row.updates.get().created_by == author


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_en": ""}, "title_en"), ({"kind": "evil"}, "kind"), ({"focus": ["evil"]}, "focus"),
        ({"partners": "Nobody"}, "partners"),
        ({"website": "javascript:alert(1)"}, "website"), ({"first_year": "2020", "last_year": "2010"}, "__all__"),
        ({"first_year": "1"}, "first_year"), ({"summary_en": "x" * 5001}, "summary_en"), ({"countries": ["ZZZ"]}, "countries"),
        ({"partners": "\x00"}, "partners"),
    ],
)  # fmt: skip
def test_mistakes_are_told_beside_the_field(client: Client, author: User, change: dict[str, Any], field: str) -> None:
    EntityFactory(slug="itu"), EntityFactory(official_name_en="Other Body")

    answer = client.post(WORKSPACE + "initiatives/new/", {**INITIATIVE, **change})

    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert not Initiative.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": ""}, "__all__"), ({"currency": "U$D"}, "__all__"), ({"amount": "-1"}, "__all__"),
        ({"last_day": "2025-01-01"}, "last_day"),
        ({"last_day": "9999-12-31"}, "last_day"), ({"purpose": "initiative"}, "__all__"), ({"kind": "magic"}, "kind"),
        ({"text_en": ""}, "text_en"),
    ],
)  # fmt: skip
def test_mistakes_in_a_pledge_are_told(client: Client, author: User, change: dict[str, Any], field: str) -> None:
    answer = client.post(WORKSPACE + "pledges/new/", {**PLEDGE, **change})

    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert not Pledge.objects.exists()


def test_what_is_sent_twice_is_kept_once(client: Client, author: User) -> None:
    for _time in range(2):
        answer = client.post(WORKSPACE + "pledges/new/", PLEDGE)

    assert Pledge.objects.count() == 1
    assert answer.context["form"].errors["title_en"] == ["This entity already has a pledge of this title."]


def test_published_work_is_not_edited_in_place(client: Client, author: User) -> None:
    row = initiative(entity=Entity.objects.get(slug="mine"))

    client.post(f"{WORKSPACE}initiatives/{row.slug}/", {**INITIATIVE, "partners": ""})

    assert Initiative.objects.get(pk=row.pk).title_en == "Doing"
    assert client.get(f"{WORKSPACE}initiatives/{row.slug}/").context["form"] is None


def test_asking_changes_nothing(client: Client, author: User) -> None:
    row = initiative(entity=Entity.objects.get(slug="mine"))

    for act in ("submit", "take-back", "withdraw"):
        assert client.get(f"{WORKSPACE}initiatives/{row.slug}/{act}/").status_code == 200

    assert Initiative.objects.get(pk=row.pk).publication == "published"
    assert client.get(f"{WORKSPACE}initiatives/{row.slug}/publish/").status_code == 404


def test_pages_of_the_workspace_are_private(client: Client, author: User) -> None:
    row = pledge(entity=Entity.objects.get(slug="mine"))

    for path in ("work/", "initiatives/new/", "pledges/new/", f"pledges/{row.slug}/", f"pledges/{row.slug}/update/"):
        answer = client.get(WORKSPACE + path)
        assert (answer.status_code, "no-store" in answer["Cache-Control"], len(read(answer).all("h1"))) == (
            200,
            True,
            1,
        )


def test_strangers_and_those_whose_period_is_over_find_nothing(client: Client, author: User) -> None:
    mine, theirs = Entity.objects.get(slug="mine"), initiative(publication="draft")
    draft = initiative(publication="draft", entity=mine)
    addresses = [
        WORKSPACE + path
        for path in ("work/", "initiatives/new/", f"initiatives/{draft.slug}/", f"initiatives/{draft.slug}/withdraw/")
    ]

    foreign = client.post(f"{WORKSPACE}initiatives/{theirs.slug}/withdraw/")
    Mandate.objects.filter(user=author).update(during=(date(2020, 1, 1), timezone.localdate()))
    over = [client.post(address, INITIATIVE).status_code for address in addresses]
    client.logout()
    outside = [client.post(address, INITIATIVE)["Location"].split("?")[0] for address in addresses]

    assert (foreign.status_code, over) == (404, [404] * 4)
    assert outside == ["/en/account/login/"] * 4
    assert Initiative.objects.filter(publication="draft").count() == 2
