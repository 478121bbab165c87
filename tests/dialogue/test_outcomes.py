"""Outputs and outcomes: how they stand, what the public may see of the evidence, who may add a word."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone, translation

from coalition import actions
from coalition.models import Letter, Signature
from dialogue import outcomes
from dialogue.actions.outcomes import add_update
from dialogue.groups import load_groups
from dialogue.models import Change, DesiredOutput, ExpectedOutcome, OutcomeUpdate
from dialogue.permissions import EVENT_MANAGERS
from ewaste_portal.models import User
from tests.coalition.certified import signed
from tests.coalition.factories import focal_point, published_letter
from tests.coalition.test_application import recorded
from tests.coalition.test_work import initiative, pledge
from tests.dialogue.factories import dialogue, draft, outcome, output, upcoming
from tests.factories import EntityFactory, ResourceFactory, UserFactory, published_resource, withdrawn_resource
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)


@pytest.fixture
def staff() -> User:
    load_groups()
    user: User = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=EVENT_MANAGERS))
    return User.objects.get(pk=user.pk)


def word(aim: Any, **facts: Any) -> OutcomeUpdate:
    facts = {"on": date(2019, 4, 10), "status": "under-way", "note_en": "Something happened.", **facts}
    update: OutcomeUpdate = aim.updates.create(**facts)
    return update


def shown(client: Client, event: Any, language: str = "en") -> Element:
    response = client.get(f"/{language}/dialogues/{event.slug}/outputs-and-outcomes/")
    assert response.status_code == 200
    return read(response)


def links(page: Element, aim: Any) -> list[str]:
    return [link["href"] for link in page.one(id=aim.anchor).one(class_="word__evidence").all("a")]


# How it stands ------------------------------------------------------------------------------------------------


def test_an_item_stands_as_its_last_word_says(client: Client) -> None:
    aim = outcome(dialogue())
    word(aim, on="2019-01-01", status="open", note_en="Begun.")
    word(aim, on="2020-01-01", status="partly-achieved", note_en="Half of it.")
    word(aim, on="2018-06-01", status="under-way", note_en="Said later of an earlier day.")

    item = shown(client, aim.dialogue).one(id=aim.anchor)

    assert item.one(class_="aim__standing").one(class_="badge").text == "Partly achieved"
    assert [p.text for p in item.one("details").all(class_="word")] == [
        "1 January 2019 Open Begun.",
        "1 June 2018 Under way Said later of an earlier day.",
    ]


def test_of_what_nobody_said_a_word_the_page_says_so(client: Client) -> None:
    held, coming = output(dialogue()), output(upcoming())

    silent = shown(client, held.dialogue).one(id=held.anchor).one(class_="aim__standing").text
    waiting = shown(client, coming.dialogue).one(id=coming.anchor).one(class_="aim__standing").text

    assert silent.startswith("No word yet No news since the dialogue, for ")
    assert waiting == "No word yet"


@pytest.mark.parametrize(
    ("since", "is_final", "words"),
    [
        (TODAY, False, "Last word today."),
        (TODAY - timedelta(days=1), False, "Last word 1 day ago."),
        (TODAY - timedelta(days=412), False, "Last word 412 days ago."),
        (date(2023, 9, 22), False, "No news for 3 years and 2 months."),
        (date(2023, 9, 23), False, "No news for 3 years and 1 month."),
        (date(2023, 11, 22), False, "No news for 3 years."),
        (date(2023, 9, 22), True, "Last word 3 years and 2 months ago."),
    ],
)
def test_the_age_of_the_last_word_is_told_in_words(since: date, is_final: bool, words: str) -> None:
    assert outcomes.age_words(since, TODAY, is_final=is_final) == words


def test_silence_since_the_dialogue_is_told_in_words() -> None:
    assert outcomes.silence_words(date(2026, 11, 20), TODAY) == "No news since the dialogue, for 2 days."
    assert outcomes.silence_words(date(2018, 3, 21), TODAY) == "No news since the dialogue, for 8 years and 8 months."


def test_three_figures_stand_on_top(client: Client) -> None:
    event = dialogue()
    output(event)
    word(output(event), resource=published_resource())
    word(outcome(event), on=timezone.localdate(), resource=ResourceFactory())

    figures = [stat.text for stat in shown(client, event).all(class_="stat")]

    assert figures == [
        "outputs and outcomes 3",
        "with public evidence 1",
        "unsettled, without a word for more than a year 2",
    ]


def test_what_is_settled_owes_no_further_word(client: Client) -> None:
    event = dialogue()
    word(outcome(event), status="dropped")

    assert shown(client, event).all(class_="aim__silence") == []
    assert "unsettled, without a word for more than a year 0" in [
        stat.text for stat in shown(client, event).all(class_="stat")
    ]


def test_a_note_in_another_language_says_so(client: Client) -> None:
    aim = outcome(dialogue())
    word(aim, note_en=None, note_ar="كلمة")

    (note,) = shown(client, aim.dialogue).one(id=aim.anchor).all(lang="ar")

    assert (note.text, note["dir"]) == ("كلمة", "rtl")
    assert shown(client, aim.dialogue, "ar").one(id=aim.anchor).one(class_="word").all(lang="ar") == []


# Evidence -------------------------------------------------------------------------------------------------------


def test_public_evidence_is_linked(client: Client) -> None:
    event = dialogue(letter=published_letter())
    other, resource, entity = dialogue(), published_resource(), EntityFactory()
    offer, work = pledge(), initiative()
    aim = outcome(event)
    word(
        aim, resource=resource, pledge=offer, initiative=work, entity=entity, evidence_dialogue=other,
        evidence_url="https://www.example.org/report", evidence_name="The report",
    )  # fmt: skip

    page = shown(client, event)

    assert links(page, aim) == [
        f"/en/resources/{resource.slug}/", f"/en/coalition/pledges/{offer.slug}/",
        f"/en/coalition/initiatives/{work.slug}/", f"/en/coalition/entities/{entity.slug}/",
        f"/en/dialogues/{other.slug}/", "https://www.example.org/report",
    ]  # fmt: skip
    assert (
        page.one(id=aim.anchor).one(class_="word__evidence").all("li")[-1].text == "Address: The report (example.org)"
    )


def test_evidence_that_is_not_public_is_neither_linked_nor_named(client: Client) -> None:
    event = dialogue()
    aim = outcome(event)
    hidden = [
        {"resource": ResourceFactory(original_title="Hidden draft")},
        {"resource": withdrawn_resource(original_title="Hidden withdrawn")},
        {"pledge": pledge("Hidden pledge", publication="withdrawn")},
        {"initiative": initiative("Hidden initiative", publication="submitted")},
        {"entity": EntityFactory(official_name_en="Hidden entity", unchecked=True)},
        {"evidence_dialogue": draft(title_en="Hidden dialogue")},
        {"evidence_url": "javascript:alert(1)", "evidence_name": "Hidden address"},
    ]
    for proof in hidden:
        word(aim, **proof)

    page = client.get(f"/en/dialogues/{event.slug}/outputs-and-outcomes/")
    table = client.get(f"/en/dialogues/{event.slug}/outcomes.csv")

    assert "Hidden" not in page.content.decode()
    assert "Hidden" not in b"".join(table.streaming_content).decode()  # type: ignore[attr-defined]
    assert "javascript" not in page.content.decode()
    assert read(page).one(id=aim.anchor).all(class_="word__evidence") == []
    assert page.content.decode().count("What it rests on is not public at present.") == len(hidden)


def test_a_signature_is_named_once_it_is_listed(client: Client) -> None:
    signature = signed(name="Hidden Person")
    aim = outcome(dialogue())
    word(aim, signature=signature)
    assert shown(client, aim.dialogue).one(id=aim.anchor).all(class_="word__evidence") == []

    actions.countersign(membership=signature.membership, by=UserFactory())

    assert links(shown(client, aim.dialogue), aim) == [f"/en/coalition/verify/{signature.code}/"]


def test_a_signature_known_from_sources_leads_to_its_letter(client: Client) -> None:
    event = dialogue(
        letter=published_letter("2018", kind="historical", source_url="https://example.org/", languages=())
    )
    entity = EntityFactory()
    signature = Signature.objects.create(
        membership=recorded(entity), entity=entity, letter=event.letter, method="historical", signed_on=date(2018, 3, 21),
        entity_name="UN Environment", source_url="https://example.org/",
    )  # fmt: skip
    aim = outcome(event)
    word(aim, signature=signature)

    assert links(shown(client, event), aim) == ["/en/coalition/letter/2018/"]


def test_an_entity_that_was_merged_leads_to_its_successor(client: Client) -> None:
    successor = EntityFactory(official_name_en="Today")
    aim = outcome(dialogue())
    word(aim, entity=EntityFactory(official_name_en="Then", merged_into=successor))

    assert links(shown(client, aim.dialogue), aim) == [successor.get_absolute_url()]


def test_an_owner_without_a_page_is_not_named(client: Client) -> None:
    event = dialogue()
    named = output(event, owner=EntityFactory(official_name_en="Known owner"))
    unnamed = output(event, owner=EntityFactory(official_name_en="Unknown owner", unchecked=True))

    page = shown(client, event)

    assert "Known owner" in page.one(id=named.anchor).text
    assert "Unknown owner" not in page.one(id=unnamed.anchor).text


# The timeline -----------------------------------------------------------------------------------------------------


def moments(page: Element) -> list[str]:
    return [item.text for item in page.one(class_="timeline--dated").all("li")]


def test_the_timeline_leads_from_the_letter_to_today(client: Client) -> None:
    event = dialogue(letter=published_letter(), starts_at=datetime(2026, 1, 1, 9, tzinfo=UTC), title_en="The first")
    second = dialogue(follows=event, starts_at=datetime(2026, 3, 4, 8, tzinfo=UTC), title_en="The second")
    dialogue(follows=second, starts_at=datetime(2026, 4, 5, 8, tzinfo=UTC), title_en="The third")
    draft(follows=event, starts_at=datetime(2026, 5, 5, 8, tzinfo=UTC), title_en="The hidden")
    word(outcome(event, text_en="What follows."), on="2026-02-03", status="open")

    found = moments(shown(client, event))

    assert found[:5] == [
        "1 January 2026 Letter of Intent Letter of Intent",
        "1 January 2026 This dialogue The first",
        "3 February 2026 Open What follows.",
        "4 March 2026 A dialogue that followed The second",
        "5 April 2026 A dialogue that followed The third",
    ]
    assert (len(found), found[5].endswith("Today")) == (6, True)


def test_a_letter_that_is_not_published_is_not_in_the_timeline(client: Client) -> None:
    published_letter()
    hidden = Letter.objects.create(version="hidden", title_en="Hidden letter", dated=date(2018, 1, 1))

    assert "Hidden letter" not in " ".join(moments(shown(client, dialogue(letter=hidden))))
    assert any("Letter of Intent" in moment for moment in moments(shown(client, dialogue())))


# The page and the table --------------------------------------------------------------------------------------------


def test_a_draft_has_neither_page_nor_table_for_the_public(client: Client, staff: User) -> None:
    event = output(draft()).dialogue
    addresses = [f"/en/dialogues/{event.slug}/outputs-and-outcomes/", f"/en/dialogues/{event.slug}/outcomes.csv"]

    assert [client.get(address).status_code for address in addresses] == [404, 404]

    client.force_login(staff)
    assert [client.get(address).status_code for address in addresses] == [200, 200]


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow(client: Client, django_assert_num_queries: Any, number: int) -> None:
    event = dialogue()
    published_letter()
    previous = event
    for _index in range(number):
        previous = dialogue(follows=previous)
        for aim in (output(event, owner=EntityFactory()), outcome(event, owner=EntityFactory())):
            for _word in range(number):
                word(
                    aim, resource=published_resource(), pledge=pledge(), initiative=initiative(), entity=EntityFactory(),
                    evidence_dialogue=previous,
                )  # fmt: skip

    with django_assert_num_queries(6):
        client.get(f"/en/dialogues/{event.slug}/outputs-and-outcomes/")
    with django_assert_num_queries(4):
        b"".join(client.get(f"/en/dialogues/{event.slug}/outcomes.csv").streaming_content)  # type: ignore[attr-defined]


def table(client: Client, event: Any) -> list[dict[str, str]]:
    response: Any = client.get(f"/en/dialogues/{event.slug}/outcomes.csv")
    assert response["Content-Disposition"] == f'attachment; filename="outcomes-{event.slug}.csv"'
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_the_table_has_a_line_for_each_word(client: Client) -> None:
    event = dialogue()
    silent = output(event, position=1)
    said = outcome(event, position=2, text_en="=1+1", owner=EntityFactory(official_name_en="Owner"))
    word(said, on="2019-01-01", status="open", note_en="@cmd")
    word(said, on="2020-01-01", status="achieved", evidence_url="https://example.org/", evidence_name="+Proof")

    rows = table(client, event)

    assert [(row["kind"], row["number"], row["status"], row["on"]) for row in rows] == [
        ("output", "1", "", ""), ("outcome", "2", "achieved", "2020-01-01"), ("outcome", "2", "achieved", "2019-01-01"),
    ]  # fmt: skip
    assert rows[0]["address"].endswith(f"/outputs-and-outcomes/#{silent.anchor}")
    assert rows[1]["owner"] == "Owner"
    assert (rows[1]["text"], rows[1]["evidence"], rows[2]["note"]) == (
        "'=1+1", "'+Proof <https://example.org/>", "'@cmd",
    )  # fmt: skip


def test_no_page_of_outcomes_sets_a_cookie(client: Client) -> None:
    response = client.get(f"/en/dialogues/{outcome(dialogue()).dialogue.slug}/outputs-and-outcomes/")

    assert not response.cookies
    assert "public" in response["Cache-Control"]


# Adding a word ------------------------------------------------------------------------------------------------------


def say(aim: Any, by: User, **facts: Any) -> OutcomeUpdate:
    facts = {"on": date(2020, 1, 1), "status": "under-way", "note": "Something happened.", **facts}
    return add_update(aim=aim, by=by, **facts)


def refusal(aim: Any, by: User, **facts: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        say(aim, by, **facts)
    assert aim.updates.count() == 0
    return caught.value.message_dict if hasattr(caught.value, "error_dict") else {"": caught.value.messages}


def test_a_word_is_kept_in_the_language_in_which_it_was_said(staff: User) -> None:
    aim = outcome(dialogue())

    update = say(aim, staff, note="Il y a du nouveau.", language="fr")

    assert (update.note_fr, update.note_en, update.created_by) == ("Il y a du nouveau.", None, staff)
    with translation.override("ru"):
        assert outcomes.board(aim.dialogue).outcomes[0].words[0].note == outcomes.Text("Il y a du nouveau.", "fr")


def test_the_same_word_twice_is_one(staff: User) -> None:
    aim, proof = output(dialogue()), published_resource()

    first = say(aim, staff, resource=proof)

    assert say(aim, staff, resource=proof) == first
    assert say(aim, staff) != first
    assert aim.updates.count() == 2


def test_what_a_word_cannot_say(staff: User) -> None:
    aim = outcome(dialogue())
    tomorrow = timezone.localdate(timezone=aim.dialogue.zone) + timedelta(days=1)

    assert refusal(aim, staff, on=tomorrow) == {"on": ["The date must not lie in the future."]}
    assert refusal(aim, staff, status="achieved") == {
        "status": ["“Achieved” needs evidence: a resource, a signature, a meeting, an address."]
    }
    assert refusal(aim, staff, note=" ") == {"note": ["Say what happened, or what is known."]}
    assert refusal(aim, staff, status="done") == {"status": ["Choose a status from the list."]}
    assert refusal(aim, staff, evidence_url="javascript:alert(1)") == {
        "evidence_url": ["Enter an address that begins with https:// or http://."]
    }
    assert refusal(aim, staff, evidence_name="A report") == {
        "evidence_url": ["Give the address of what you name as evidence."]
    }
    assert say(aim, staff, status="achieved", evidence_url="https://example.org/").status == "achieved"


def test_staff_and_the_owners_focal_point_add_words(staff: User) -> None:
    owner = EntityFactory()
    aim = outcome(dialogue(), owner=owner)
    sentence = "Words are added by staff and by focal points of the entity that answers for it."

    assert refusal(aim, UserFactory(is_staff=True)) == {"": [sentence]}
    assert refusal(aim, focal_point(EntityFactory())) == {"": [sentence]}
    assert say(aim, focal_point(owner)).pk
    assert say(aim, staff, note="Another.").pk


def test_a_word_on_a_public_dialogue_is_a_change(staff: User) -> None:
    public, hidden = outcome(dialogue(), text_en="What follows."), outcome(draft())

    say(public, staff, status="open")
    say(public, staff, status="partly-achieved", on=date(2021, 1, 1))
    say(hidden, staff)

    assert list(Change.objects.order_by("pk").values_list("dialogue", "subject", "before", "after")) == [
        (public.dialogue_id, "What follows.", "", "open"),
        (public.dialogue_id, "What follows.", "open", "partly-achieved"),
    ]


# The back office -----------------------------------------------------------------------------------------------------


@pytest.fixture
def office(staff: User, client: Client) -> Client:
    client.force_login(staff)
    return client


def form_data(**word: Any) -> dict[str, Any]:
    """Of the change form with one new word."""
    empty = dict.fromkeys(
        (
            "resource",
            "signature",
            "pledge",
            "entity",
            "initiative",
            "evidence_dialogue",
            "evidence_url",
            "evidence_name",
        ),
        "",
    )
    new = {"on": "2020-01-01", "status": "open", "words": "Begun.", "language": "en", **empty, **word}
    return {
        "text_en": "What follows.", "position": "1", "owner": "", "due_on": "", "source_url": "",
        "updates-TOTAL_FORMS": "1", "updates-INITIAL_FORMS": "0",
        **{f"updates-0-{name}": value for name, value in new.items()},
    }  # fmt: skip


def test_staff_add_a_word_on_the_form(office: Client, staff: User) -> None:
    aim = outcome(dialogue(), position=1)
    address = f"/admin/dialogue/expectedoutcome/{aim.pk}/change/"

    response = office.post(address, {**form_data(), "dialogue": aim.dialogue_id})

    assert response.status_code == 302
    (update,) = aim.updates.all()
    assert (update.note_en, update.status, update.created_by) == ("Begun.", "open", staff)
    assert "Begun." in office.get(address).content.decode()


def test_the_form_tells_what_is_wrong_with_a_word(office: Client) -> None:
    aim = outcome(dialogue(), position=1)
    address = f"/admin/dialogue/expectedoutcome/{aim.pk}/change/"

    response = office.post(address, {**form_data(status="achieved", on="2999-01-01"), "dialogue": aim.dialogue_id})

    assert response.status_code == 200
    assert "The date must not lie in the future." in response.content.decode()
    assert "“Achieved” needs evidence" in response.content.decode()
    assert not aim.updates.exists()


def test_a_word_that_was_said_cannot_be_changed_on_the_form(office: Client) -> None:
    aim = output(dialogue(), position=1)
    update = word(aim)
    data = form_data(words="Rewritten.") | {"updates-INITIAL_FORMS": "1", "updates-0-id": update.pk}

    office.post(f"/admin/dialogue/desiredoutput/{aim.pk}/change/", {**data, "dialogue": aim.dialogue_id})

    assert [row.note_en for row in aim.updates.all()] == ["Something happened."]


def test_what_somebody_spoke_of_is_not_deleted(office: Client) -> None:
    spoken, silent = outcome(dialogue()), outcome(dialogue())
    word(spoken)

    answers = [
        office.post(f"/admin/dialogue/expectedoutcome/{aim.pk}/delete/", {"post": "yes"}).status_code
        for aim in (spoken, silent)
    ]

    assert answers == [403, 302]
    assert list(ExpectedOutcome.objects.all()) == [spoken]
    listed = office.get("/admin/dialogue/expectedoutcome/").content.decode()
    assert "delete_selected" not in listed


@pytest.mark.parametrize("kind", ["desiredoutput", "expectedoutcome"])
def test_the_start_page_counts_what_is_quiet(office: Client, kind: str) -> None:
    make = output if kind == "desiredoutput" else outcome
    model = DesiredOutput if kind == "desiredoutput" else ExpectedOutcome
    event = dialogue()
    quiet = [make(event), make(event)]
    word(quiet[1], status="partly-achieved")
    word(make(event), status="dropped")
    word(make(event), on=timezone.localdate())
    make(upcoming())
    make(draft())
    make(dialogue(is_example=True))

    assert list(outcomes.quiet(model.objects.all())) == quiet
    lines = [line for line in office.get("/admin/").context["waiting"] if f"/{kind}/" in line.url]
    assert [(line.count, line.url) for line in lines] == [(2, f"/admin/dialogue/{kind}/?quiet=yes")]
    assert len(office.get(lines[0].url).context["cl"].result_list) == 2
