"""Questions: asked, moderated, supported, put on stage, answered, cited; and the moderator's desk."""

import csv
import io
import json
import re
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import bibtexparser
import pytest
import rispy
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from coalition.models import Membership
from dialogue import desk, permissions, questions as shown
from dialogue.actions import questions as actions
from dialogue.attending import ATTENDANCES
from dialogue.groups import load_groups
from dialogue.models import Answer, Attendance, Dialogue, Question, QuestionSupport
from ewaste_portal.models import User
from tests.coalition.factories import focal_point
from tests.dialogue import factories
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def upcoming() -> Dialogue:
    return factories.upcoming()


def at(name: str, dialogue: Dialogue, *args: Any) -> str:
    return reverse(f"dialogue:{name}", args=[dialogue.slug, *args])


def taking_part(attendance: Attendance) -> Client:
    """A browser in which somebody opened the personal link."""
    client = Client()
    session = client.session
    session[ATTENDANCES] = {str(attendance.dialogue.uid): str(attendance.uid)}
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


def text_of(response: Any) -> str:
    """What a reader reads, tags taken out."""
    body = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def pending(of: Dialogue, **fields: Any) -> Question:
    return factories.question(
        of, **{"state": "pending", "published_at": None, "moderated_at": None, "origin": "asked", **fields}
    )


def answered(question: Question, **fields: Any) -> Answer:
    facts = {
        "text": "By law.", "language": "en", "given_on": date(2018, 3, 21),
        **({} if {"participation", "entity"} & set(fields) else {"participation": factories.part(question.dialogue)}),
        **fields,
    }  # fmt: skip
    return actions.publish_answer(answer=actions.answer(question=question, by=None, **facts), by=UserFactory())


def state(question: Question) -> str:
    return Question.objects.values_list("state", flat=True).get(pk=question.pk)


def mails(subject: str) -> list[Any]:
    """Those that left, by the beginning of their subject."""
    return [message for message in mail.outbox if message.subject.startswith(subject)]


def run_commits(capture: Any, act: Callable[[], Any]) -> None:
    with capture(execute=True):
        act()


# The public page -------------------------------------------------------------------------------------------------


def test_page_lists_questions_in_groups_with_states(client: Client) -> None:
    dialogue = factories.dialogue()
    factories.question(dialogue, text_en="Which law applies?", origin="prepared")
    factories.question(dialogue, text_en="Who pays?", state="on-stage")
    answered(factories.question(dialogue, text_en="Who collects?"))
    answered(factories.question(dialogue, text_en="Who counts?"), participation=None, entity=EntityFactory())
    actions.decline(question=factories.question(dialogue, text_en="Why?"), by=None, reason="Not about e-waste.")

    page = text_of(client.get(at("questions", dialogue)))

    order = ["On stage now", "Who pays?", "Open questions", "Which law applies?", "Answered", "Who collects?", "By law.",
             "Answered in writing", "Who counts?", "Declined, with the reason", "Why?", "Not about e-waste."]  # fmt: skip
    places = [page.index(words) for words in order]
    assert places == sorted(places)


def test_nothing_unmoderated_is_public_anywhere(client: Client) -> None:
    dialogue = factories.upcoming()
    shown_one = factories.question(dialogue, text_en="Shown one?")
    hidden = [
        pending(dialogue, text_en="Hidden pending?"),
        actions.decline(question=pending(dialogue, text_en="Hidden declined?"), by=None, reason="No."),
        factories.question(dialogue, text_en="Hidden session?", session=factories.session(dialogue, state="draft")),
    ]
    draft = actions.answer(
        question=shown_one, by=None, text="Hidden draft.", language="en", given_on=date(2018, 3, 21),
        participation=factories.part(dialogue),
    )  # fmt: skip

    page = client.get(at("questions", dialogue)).content.decode()
    table = b"".join(client.get(at("questions_csv", dialogue)).streaming_content).decode()

    assert "Shown one?" in page
    assert "Shown one?" in table
    assert "Hidden" not in page + table
    assert {client.get(at("support", dialogue, question.uid)).status_code for question in hidden} == {404}
    assert client.get(at("support", dialogue, shown_one.uid)).status_code == 200
    assert client.get(at("answer_cite", dialogue, draft.uid, "bib")).status_code == 404


def test_questions_of_a_draft_dialogue_are_hidden(client: Client) -> None:
    draft = factories.draft()
    factories.question(draft)

    assert [client.get(at(name, draft)).status_code for name in ("questions", "questions_csv", "ask")] == [404] * 3


def test_answer_that_is_withdrawn_or_of_a_question_no_longer_public_cannot_be_cited(client: Client) -> None:
    dialogue = factories.dialogue()
    answer = answered(factories.question(dialogue))
    address = at("answer_cite", dialogue, answer.uid, "json")
    assert client.get(address).status_code == 200

    actions.withdraw_answer(answer=answer, by=UserFactory())

    assert client.get(address).status_code == 404
    assert state(answer.question) == "published"


def test_page_names_who_asked_only_if_they_agreed(client: Client, upcoming: Dialogue) -> None:
    person = factories.attendance(upcoming, name="Amina Shy", organization="Quiet Ltd")
    actions.publish(question=_asked(person, "Unnamed?"), by=None)
    named = factories.attendance(upcoming, name="Boris Bold", organization="Loud Ltd")
    actions.publish(question=_asked(named, "Named?", is_named=True), by=None)

    page = text_of(client.get(at("questions", upcoming)))

    assert "Asked by: A participant" in page
    assert "Asked by: Boris Bold ( Loud Ltd )" in page
    assert "Shy" not in page
    assert "Quiet" not in page


def _asked(person: Attendance, text: str, language: str = "en", **fields: Any) -> Question:
    facts = {"is_named": False, **fields}
    return actions.ask(dialogue=person.dialogue, attendance=person, text=text, language=language, **facts)


def test_page_marks_the_language_and_notes_the_translation(client: Client) -> None:
    dialogue = factories.dialogue()
    factories.question(dialogue, text_en=None, text_fr="Qui paie ?", language="fr")
    factories.question(dialogue, text_en="Who counts?", text_ar="من يحصي؟", language="ar")

    english = client.get(at("questions", dialogue)).content.decode()
    arabic = client.get(at("questions", dialogue).replace("/en/", "/ar/")).content.decode()

    assert '<p class="question__text" lang="fr" dir="ltr">Qui paie ?</p>' in english
    assert "Language: French." in english
    assert '<p class="question__text" lang="en" dir="ltr">Who counts?</p>' in english
    assert "Translated from Arabic." in english
    assert '<p class="question__text" lang="ar" dir="rtl">من يحصي؟</p>' in arabic


def test_answer_names_who_gave_it_then_the_day_the_source_and_the_second(client: Client) -> None:
    dialogue = factories.dialogue(recording_url="https://www.youtube.com/watch?v=abc&t=9")
    part = factories.part(
        dialogue, person=factories.person(name="Amina Example"), title_then="Deputy", entity_then="Office of Then",
        entity=EntityFactory(official_name_en="Office of Today"), on_behalf_of="The Head",
    )  # fmt: skip
    answer = answered(
        factories.question(dialogue), participation=part, recording_second=3723, source_url="https://example.org/report"
    )

    response = client.get(at("questions", dialogue))
    page = text_of(response)

    assert "Amina Example , Deputy , Office of Then (on behalf of The Head )" in page
    assert "21 March 2018" in page
    assert "Office of Today" not in page
    assert "In the recording at 01:02:03" in page
    assert 'href="https://www.youtube.com/watch?v=abc&amp;t=3723s"' in response.content.decode()
    assert 'href="https://example.org/report"' in response.content.decode()
    assert f'id="{answer.anchor}"' in response.content.decode()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://youtu.be/abc", "https://youtu.be/abc?t=75s"),
        ("https://vimeo.com/123", "https://vimeo.com/123#t=75s"),
        ("https://example.org/a.mp4?x=1#old", "https://example.org/a.mp4?x=1#t=75"),
        ("", ""),
    ],
)
def test_recordings_open_at_the_second(url: str, address: str) -> None:
    assert shown.recording_address(url, 75) == address


def test_recording_of_the_session_comes_before_that_of_the_dialogue(client: Client) -> None:
    dialogue = factories.dialogue(recording_url="https://example.org/whole.mp4")
    part_of_it = factories.session(dialogue, recording_url="https://example.org/panel.mp4")
    answered(factories.question(dialogue, session=part_of_it), recording_second=5)

    assert "https://example.org/panel.mp4#t=5" in client.get(at("questions", dialogue)).content.decode()


def test_page_sets_no_cookie_and_has_no_form_to_post(client: Client) -> None:
    dialogue = factories.upcoming()
    factories.question(dialogue)

    response = client.get(at("questions", dialogue))

    assert not response.cookies
    assert 'method="post"' not in response.content.decode().lower()
    assert "Support this question" in response.content.decode()


def test_support_is_offered_only_while_questions_are_open(client: Client) -> None:
    dialogue = factories.dialogue()
    factories.question(dialogue)

    assert "Support this question" not in client.get(at("questions", dialogue)).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_page_and_table_need_the_same_queries_for_any_number(
    client: Client, django_assert_num_queries: Any, count: int
) -> None:
    dialogue = factories.upcoming()
    for _number in range(count):
        person = factories.attendance(dialogue)
        question = actions.publish(question=_asked(person, "Q?"), by=None)
        actions.merge(question=pending(dialogue), into=question, by=None)
        actions.support(question=question, attendance=factories.attendance(dialogue))
        answered(question)
        handed = factories.question(dialogue, session=factories.session(dialogue))
        actions.hand_on(question=handed, entity=EntityFactory(), answer_by=timezone.localdate(), by=UserFactory())

    with django_assert_num_queries(5):
        client.get(at("questions", dialogue))
    with django_assert_num_queries(4):
        b"".join(client.get(at("questions_csv", dialogue)).streaming_content)


def test_long_list_has_pages_and_every_question_a_lasting_address(client: Client) -> None:
    dialogue = factories.dialogue()
    rows = [factories.question(dialogue, position=number) for number in range(1, 43)]

    assert rows[0].anchor in client.get(at("questions", dialogue)).content.decode()
    assert rows[41].anchor not in client.get(at("questions", dialogue)).content.decode()
    assert rows[41].anchor in client.get(shown.address(rows[41]).partition("#")[0]).content.decode()
    assert [client.get(at("questions", dialogue), {"page": page}).status_code for page in ("2", "3", "x", "0")] == [
        200, 404, 404, 404,
    ]  # fmt: skip


def test_moved_address_leads_to_todays(client: Client) -> None:
    dialogue = factories.dialogue()
    answer = answered(factories.question(dialogue))
    past = at("answer_cite", dialogue, answer.uid, "ris")
    dialogue.slug = "another"
    dialogue.save(update_fields=["slug"])

    assert client.get(past)["Location"] == at("answer_cite", dialogue, answer.uid, "ris")


# Citations and CSV -----------------------------------------------------------------------------------------------


def cited(client: Client) -> tuple[Answer, dict[str, str]]:
    dialogue = factories.dialogue(title_en="An End to E-waste & more")
    part = factories.part(dialogue, person=factories.person(name="Amina Example"), entity_then="Office of Then")
    answer = answered(factories.question(dialogue, text_en="Which law?"), participation=part)
    files = {name: client.get(at("answer_cite", dialogue, answer.uid, name)) for name in ("bib", "ris", "json")}
    return answer, {name: file.content.decode() for name, file in files.items()}


def test_citation_files_say_who_what_when_where(client: Client) -> None:
    answer, files = cited(client)
    address = f"http://localhost:8000{shown.address(answer)}"

    item = json.loads(files["json"])[0]
    ris = rispy.loads(files["ris"])[0]
    bib = bibtexparser.loads(files["bib"]).entries[0]

    title = "Answer to the question “Which law?”"
    authors = ["Amina Example", "Office of Then"]
    assert (item["title"], item["issued"], item["type"]) == (title, {"date-parts": [[2018, 3, 21]]}, "speech")
    assert [author["literal"] for author in item["author"]] == authors
    assert (item["event-title"], item["URL"]) == ("An End to E-waste & more", address)
    assert (ris["title"], ris["authors"], ris["year"], ris["urls"]) == (title, authors, "2018", [address])
    assert bib["author"] == "{Amina Example} and {Office of Then}"
    assert bib["howpublished"] == r"An End to E-waste \& more"


def test_citation_in_other_formats_is_not_found(client: Client) -> None:
    dialogue = factories.dialogue()
    answer = answered(factories.question(dialogue))

    assert client.get(at("answer_cite", dialogue, answer.uid, "exe")).status_code == 404


def test_citation_stands_on_the_page(client: Client) -> None:
    dialogue = factories.dialogue(title_en="A dialogue")
    part = factories.part(dialogue, person=factories.person(name="Amina Example"))
    answer = answered(factories.question(dialogue, text_en="Which law?"), participation=part)

    page = text_of(client.get(at("questions", dialogue)))

    assert (
        "Amina Example (2018). Answer to the question “Which law?”. A dialogue. "
        f"http://localhost:8000{shown.address(answer)}"
    ) in page


def test_table_holds_questions_answers_and_safe_cells(client: Client) -> None:
    dialogue = factories.dialogue()
    question = factories.question(dialogue, text_en="=cmd|' /C calc'!A0", origin="asked", asked_by="@evil")
    actions.merge(question=pending(dialogue, asked_by="Amina", asked_for="Office"), into=question, by=None)
    answered(question, text="-2+3")

    lines = b"".join(client.get(at("questions_csv", dialogue)).streaming_content).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(lines)))

    assert row["question"] == "'=cmd|' /C calc'!A0"
    assert row["asked_by"] == "'@evil; Amina (Office)"
    assert row["answers"] == "'-2+3"
    assert (row["state"], row["supporters"], row["answered_on"]) == ("Answered", "1", "2018-03-21")


# Asking ----------------------------------------------------------------------------------------------------------


def test_question_waits_for_the_moderator_and_the_asker_sees_it_was_received(upcoming: Dialogue) -> None:
    person = factories.attendance(upcoming, name="Amina", organization="Office")
    client = taking_part(person)

    response = client.post(
        at("ask", upcoming), {"text": "  Qui paie ?\r\n", "language": "fr", "is_named": "on"}, follow=True
    )

    question = Question.objects.get()
    assert (question.state, question.text_fr, question.language) == ("pending", "Qui paie ?", "fr")
    assert (question.asked_by, question.asked_for, question.attendance) == ("Amina", "Office", person)
    assert response.redirect_chain == [(at("ask", upcoming), 302)]
    assert "Your question was received." in text_of(response)
    assert "Qui paie ?" in text_of(response)
    assert "Qui paie" not in client.get(at("questions", upcoming)).content.decode()
    assert "Qui paie" not in Client().get(at("ask", upcoming)).content.decode()


def test_without_a_registration_the_page_says_how_to_come_to_one(client: Client, upcoming: Dialogue) -> None:
    page = client.get(at("ask", upcoming))
    refused = client.post(at("ask", upcoming), {"text": "Who?", "language": "en"})

    assert "open your personal link" in text_of(page)
    assert at("attend", upcoming) in page.content.decode()
    assert refused.status_code == 403
    assert Question.objects.count() == 0


@pytest.mark.parametrize("other", ["waiting-list", "cancelled", "another dialogue", "erased"])
def test_registration_without_a_place_here_cannot_ask(upcoming: Dialogue, other: str) -> None:
    fields = {
        "waiting-list": {"state": "waiting-list", "seated_at": None},
        "cancelled": {"state": "cancelled"},
        "erased": {"erased_at": timezone.now()},
    }.get(other, {})
    person = factories.attendance(factories.upcoming() if other == "another dialogue" else upcoming, **fields)
    client = Client()
    session = client.session
    session[ATTENDANCES] = {str(upcoming.uid): str(person.uid)}
    session.save()
    client.cookies["sessionid"] = session.session_key

    response = client.post(at("ask", upcoming), {"text": "Who?", "language": "en"})

    assert (response.status_code, Question.objects.count()) == (403, 0)


def test_questions_are_asked_only_while_they_are_open(upcoming: Dialogue) -> None:
    client = taking_part(factories.attendance(upcoming))
    assert "Send the question" in client.get(at("ask", upcoming)).content.decode()

    Dialogue.objects.filter(pk=upcoming.pk).update(questions_close_at=timezone.now())
    response = client.post(at("ask", upcoming), {"text": "Late?", "language": "en"})

    assert (response.status_code, Question.objects.count()) == (403, 0)
    assert "Questions are not open." in text_of(response)


def test_same_question_sent_twice_is_one(upcoming: Dialogue) -> None:
    client = taking_part(factories.attendance(upcoming))

    for _time in range(2):
        client.post(at("ask", upcoming), {"text": "Who pays?", "language": "en"})

    assert Question.objects.count() == 1


def test_same_words_of_another_person_or_of_another_day_are_another_question(upcoming: Dialogue) -> None:
    person = factories.attendance(upcoming)

    _asked(person, "Who pays?")
    _asked(factories.attendance(upcoming), "Who pays?")
    Question.objects.update(created_at=timezone.now() - timedelta(hours=1))
    _asked(person, "Who pays?")

    assert Question.objects.count() == 3


def test_six_questions_in_an_hour_are_too_many_and_the_text_stays(upcoming: Dialogue) -> None:
    client = taking_part(factories.attendance(upcoming))
    for number in range(5):
        client.post(at("ask", upcoming), {"text": f"Number {number}?", "language": "en"})

    response = client.post(at("ask", upcoming), {"text": "Number five?", "language": "en"})

    assert response.status_code == 429
    assert "Number five?" in response.content.decode()
    assert Question.objects.count() == 5


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"text": "", "language": "en"}, "Write your question."),
        ({"text": " \u202e\u200b ", "language": "en"}, "Write your question."),
        ({"text": "x" * 2001, "language": "en"}, "Ensure this value has at most 2000 characters (it has 2001)."),
        ({"text": "Who?", "language": "xx"}, "Select a valid choice. xx is not one of the available choices."),
    ],
)
def test_what_cannot_be_a_question_is_refused_beside_the_field(
    upcoming: Dialogue, data: dict[str, str], sentence: str
) -> None:
    response = taking_part(factories.attendance(upcoming)).post(at("ask", upcoming), data)

    assert sentence in text_of(response)
    assert Question.objects.count() == 0


def test_question_about_a_session_offers_only_published_sessions(upcoming: Dialogue) -> None:
    panel, hidden = factories.session(upcoming), factories.session(upcoming, state="draft")
    client = taking_part(factories.attendance(upcoming))

    refused = client.post(at("ask", upcoming), {"text": "Who?", "language": "en", "session": hidden.pk})
    client.post(at("ask", upcoming), {"text": "Who?", "language": "en", "session": panel.pk})

    assert hidden.title not in refused.content.decode()
    assert Question.objects.get().session == panel


def test_angle_brackets_stay_words(client: Client, upcoming: Dialogue) -> None:
    actions.publish(question=_asked(factories.attendance(upcoming), "<script>alert(1)</script>?"), by=None)

    page = client.get(at("questions", upcoming)).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;?" in page
    assert "<script>alert" not in page


# Supporting ------------------------------------------------------------------------------------------------------


def support_count(question: Question) -> int:
    return Question.objects.with_support().get(pk=question.pk).support_count


def test_support_counts_once_and_can_be_taken_back(upcoming: Dialogue) -> None:
    question = factories.question(upcoming)
    client = taking_part(factories.attendance(upcoming))
    address = at("support", upcoming, question.uid)

    first = client.post(address, {"act": "support"})
    client.post(address, {"act": "support"})
    counted = support_count(question)
    client.post(address, {"act": "withdraw"})
    client.post(address, {"act": "withdraw"})

    assert first["Location"] == address
    assert counted == 1
    assert support_count(question) == 0


def test_looking_at_the_page_supports_nothing(upcoming: Dialogue) -> None:
    question = factories.question(upcoming)

    taking_part(factories.attendance(upcoming)).get(at("support", upcoming, question.uid))

    assert QuestionSupport.objects.count() == 0


def test_strangers_and_the_asker_do_not_support(client: Client, upcoming: Dialogue) -> None:
    person = factories.attendance(upcoming)
    question = actions.publish(question=_asked(person, "Mine?"), by=None)
    address = at("support", upcoming, question.uid)

    stranger, own = client.post(address, {"act": "support"}), taking_part(person).post(address, {"act": "support"})

    assert (stranger.status_code, own.status_code) == (403, 409)
    assert "You asked this question yourself: it counts already." in text_of(own)
    assert support_count(question) == 0


@pytest.mark.parametrize("state_now", ["answered", "declined"])
def test_support_changes_only_while_the_question_is_open(upcoming: Dialogue, state_now: str) -> None:
    reason = "No." if state_now == "declined" else ""
    question = factories.question(upcoming, state=state_now, reason=reason)

    response = taking_part(factories.attendance(upcoming)).post(at("support", upcoming, question.uid))

    assert (response.status_code, QuestionSupport.objects.count()) == (409, 0)


def test_support_of_merged_questions_counts_together_and_each_person_once(upcoming: Dialogue) -> None:
    both, asker = factories.attendance(upcoming), factories.attendance(upcoming)
    question = actions.publish(question=_asked(factories.attendance(upcoming), "Who pays?"), by=None)
    other = actions.publish(question=_asked(asker, "Who will pay?"), by=None)
    third = actions.publish(question=_asked(asker, "Who is to pay?"), by=None)
    for row, person in [(question, both), (question, asker), (other, both), (other, factories.attendance(upcoming))]:
        actions.support(question=row, attendance=person)

    actions.merge(question=other, into=question, by=None)
    actions.merge(question=third, into=question, by=None)

    assert support_count(question) == 3  # both, the supporter of the other, its asker


def test_address_of_a_merged_question_leads_to_the_one_that_stays(upcoming: Dialogue) -> None:
    question, other = factories.question(upcoming, text_en="Stays?"), factories.question(upcoming)
    actions.merge(question=other, into=question, by=None)

    response = taking_part(factories.attendance(upcoming)).post(at("support", upcoming, other.uid), follow=True)

    assert "Stays?" in text_of(response)
    assert support_count(question) == 1


# Moderating ------------------------------------------------------------------------------------------------------


def test_merging_credits_every_asker_and_moves_what_was_merged_before(client: Client, upcoming: Dialogue) -> None:
    first, second, third = (factories.attendance(upcoming, name=name) for name in ("Amina", "Boris", "Chen"))
    stays = actions.publish(question=_asked(first, "One?", is_named=True), by=None)
    middle = actions.publish(question=_asked(second, "Two?", is_named=True), by=None)
    actions.merge(question=_asked(third, "Three?", is_named=True), into=middle, by=None)

    actions.merge(question=middle, into=stays, by=None)

    page = text_of(client.get(at("questions", upcoming)))
    assert [name in page for name in ("Amina", "Boris", "Chen")] == [True] * 3
    assert "Two?" not in page
    assert set(stays.merged.values_list("text_en", flat=True)) == {"Two?", "Three?"}
    actions.unmerge(question=middle, by=None)
    assert "Two?" in text_of(client.get(at("questions", upcoming)))


def test_merging_into_itself_another_dialogue_or_what_is_not_public_is_refused(upcoming: Dialogue) -> None:
    question = factories.question(upcoming)
    merged = actions.merge(question=factories.question(upcoming), into=question, by=None)

    for into in (question, factories.question(factories.upcoming()), pending(upcoming), merged):
        with pytest.raises(ValidationError):
            actions.merge(question=question, into=into, by=None)

    assert state(question) == "published"


@pytest.mark.parametrize(
    ("act", "states"),
    [
        (actions.publish, {"pending"}),
        (actions.put_on_stage, {"published"}),
        (actions.take_off_stage, {"on-stage"}),
        (actions.take_back, {"published"}),
        (actions.unmerge, {"merged"}),
        (actions.reopen, {"answered", "answered-in-writing", "declined"}),
        (lambda **given: actions.decline(**given, reason="No."), {"pending", "published"}),
    ],
)
def test_each_step_is_open_only_to_its_states_and_says_so(act: Any, states: set[str]) -> None:
    dialogue = factories.dialogue()
    for name in ("pending", "published", "on-stage", "answered", "answered-in-writing", "declined", "merged"):
        question = factories.question(
            dialogue, state=name, reason="No." if name == "declined" else "",
            merged_into=factories.question(dialogue) if name == "merged" else None,
        )  # fmt: skip
        if name in states:
            act(question=question, by=None)
            Question.objects.filter(dialogue=dialogue, state="on-stage").update(state="published")
            continue
        with pytest.raises(ValidationError, match="this step is not open to it, and nothing was changed"):
            act(question=question, by=None)
        assert state(question) == name


def test_declining_needs_a_reason() -> None:
    question = factories.question()

    with pytest.raises(ValidationError, match="Give a reason"):
        actions.decline(question=question, by=None, reason="  ")

    assert state(question) == "published"


def test_question_taken_back_and_then_declined_is_not_public() -> None:
    question = factories.question()

    actions.take_back(question=question, by=None)
    actions.decline(question=question, by=None, reason="No.")

    assert not Question.objects.public().exists()


def test_second_question_on_stage_is_refused_with_the_name_of_the_first() -> None:
    dialogue = factories.dialogue()
    actions.put_on_stage(question=factories.question(dialogue, text_en="First?"), by=None)
    second = factories.question(dialogue)

    with pytest.raises(ValidationError, match=r"It is “First[?]”"):
        actions.put_on_stage(question=second, by=None)

    assert state(second) == "published"


def test_prepared_questions_get_a_new_order() -> None:
    dialogue = factories.dialogue()
    first, second, third = (factories.question(dialogue, position=0) for _number in range(3))

    actions.reorder(question=third, by=None, up=True)
    actions.reorder(question=first, by=None, up=True)  # at the top already

    rows = Question.objects.filter(dialogue=dialogue).in_groups()
    assert list(rows) == [first, third, second]


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """The sentences of those that were refused."""
    start, refused, failures = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[], Any]) -> None:
        try:
            connections["default"].ensure_connection()
            start.wait()
            act()
        except ValidationError as error:
            refused.append(error.messages[0])
        except Exception as error:  # noqa: BLE001  a thread's failure has to reach the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    return refused


@pytest.mark.django_db(transaction=True)
def test_of_two_questions_put_on_stage_at_once_one_is_refused() -> None:
    dialogue = factories.dialogue()
    rows = [factories.question(dialogue) for _number in range(2)]

    refused = at_once(*(lambda row=row: actions.put_on_stage(question=row, by=None) for row in rows))

    assert [sentence.partition(":")[0] for sentence in refused] == ["Another question is on stage"]
    assert sorted(map(state, rows)) == ["on-stage", "published"]


@pytest.mark.django_db(transaction=True)
def test_of_publishing_and_declining_at_once_one_is_refused() -> None:
    question = pending(factories.dialogue())

    refused = at_once(
        lambda: actions.publish(question=question, by=None, seen="pending"),
        lambda: actions.decline(question=question, by=None, reason="No.", seen="pending"),
    )

    assert len(refused) == 1
    assert "nothing was changed" in refused[0]
    assert (state(question) == "declined") == (Question.objects.get().published_at is None)


@pytest.mark.django_db(transaction=True)
def test_two_questions_merged_into_each_other_at_once_leave_one() -> None:
    dialogue = factories.dialogue()
    one, other = factories.question(dialogue), factories.question(dialogue)

    refused = at_once(
        lambda: actions.merge(question=one, into=other, by=None),
        lambda: actions.merge(question=other, into=one, by=None),
    )

    assert len(refused) == 1
    assert sorted([state(one), state(other)]) == ["merged", "published"]


@pytest.mark.django_db(transaction=True)
def test_same_question_sent_twice_at_once_is_one() -> None:
    person = factories.attendance()

    at_once(*[lambda: _asked(person, "Who pays?")] * 6)

    assert Question.objects.count() == 1


# Mails -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[[Callable[[], Any]], None]:
    return lambda act: run_commits(django_capture_on_commit_callbacks, act)


def test_asker_is_told_in_the_own_language(upcoming: Dialogue, committed: Any) -> None:
    person = factories.attendance(upcoming, language="fr", email="amina@example.org")
    question = _asked(person, "Qui paie ?", "fr")

    committed(lambda: actions.publish(question=question, by=None))

    message = mail.outbox[-1]
    assert message.to == ["amina@example.org"]
    assert "“Qui paie ?”" in message.body
    assert f"/fr/dialogues/{upcoming.slug}/questions/?question={shown.code(question)}#{question.anchor}" in message.body


def test_asker_is_told_why_it_was_declined(upcoming: Dialogue, committed: Any) -> None:
    question = _asked(factories.attendance(upcoming), "Why?")

    committed(lambda: actions.decline(question=question, by=None, reason="Not about e-waste & co."))

    message = mail.outbox[-1]
    assert message.subject == f"Your question was declined: {upcoming.title}"
    assert "Not about e-waste & co." in message.body
    assert "question=" not in message.body  # it is not on the page


def test_asker_is_told_of_the_merge(upcoming: Dialogue, committed: Any) -> None:
    stays = factories.question(upcoming, text_en="Who will pay?")

    committed(lambda: actions.merge(question=_asked(factories.attendance(upcoming), "Who?"), into=stays, by=None))

    assert mail.outbox[-1].subject == f"Your question was merged with another: {upcoming.title}"
    assert "“Who will pay?”" in mail.outbox[-1].body
    assert stays.anchor in mail.outbox[-1].body


def test_everyone_who_asked_is_told_of_the_answer_once(upcoming: Dialogue, committed: Any) -> None:
    amina, boris = factories.attendance(upcoming), factories.attendance(upcoming)
    question = actions.publish(question=_asked(amina, "One?"), by=None)
    for person, text in ((boris, "Two?"), (boris, "Three?"), (amina, "Four?")):
        actions.merge(question=_asked(person, text), into=question, by=None)
    draft = actions.answer(
        question=question, by=None, text="By law.", language="en", given_on=timezone.localdate(),
        participation=factories.part(upcoming, person=factories.person(name="Chen Example")),
    )  # fmt: skip
    mail.outbox.clear()

    committed(lambda: actions.publish_answer(answer=draft, by=UserFactory()))

    assert sorted(message.to[0] for message in mail.outbox) == sorted([amina.email, boris.email])
    assert "Chen Example answered:" in mail.outbox[0].body
    assert {draft.anchor in message.body for message in mail.outbox} == {True}


def test_nobody_erased_gets_a_mail(upcoming: Dialogue, committed: Any) -> None:
    erased = _asked(factories.attendance(upcoming), "Two?")
    Attendance.objects.filter(pk=erased.attendance_id).update(email="")

    committed(lambda: actions.publish(question=erased, by=None))

    assert mail.outbox == []


# Answers ---------------------------------------------------------------------------------------------------------


def test_answer_is_a_draft_until_staff_publish_it(client: Client) -> None:
    question = factories.question()
    draft = actions.answer(
        question=question, by=None, text="By law.", language="en", given_on=date(2018, 3, 21),
        participation=factories.part(question.dialogue),
    )  # fmt: skip
    assert "By law." not in client.get(at("questions", question.dialogue)).content.decode()

    actions.publish_answer(answer=draft, by=UserFactory())

    assert "By law." in client.get(at("questions", question.dialogue)).content.decode()
    assert state(question) == "answered"
    with pytest.raises(ValidationError, match="published already"):
        actions.publish_answer(answer=draft, by=UserFactory())


def test_answer_needs_somebody_of_this_dialogue_words_and_a_past_day() -> None:
    question = factories.question()
    good = {
        "text": "Yes.",
        "language": "en",
        "given_on": timezone.localdate(),
        "participation": factories.part(question.dialogue),
    }

    for wrong in (
        {"participation": None},
        {"participation": factories.part()},
        {"text": " "},
        {"given_on": timezone.localdate() + timedelta(days=2)},
    ):
        with pytest.raises(ValidationError):
            actions.answer(question=question, by=None, **{**good, **wrong})
    first, second = (actions.answer(question=question, by=None, **good) for _time in range(2))

    assert first == second
    assert Answer.objects.count() == 1


def member_entity() -> Any:
    entity = EntityFactory()
    Membership.objects.create(
        entity=entity, origin="recorded", state="active", state_since=timezone.now(), recorded_on="2018-03-21",
        source_url="https://example.org/",
    )  # fmt: skip
    return entity


def in_writing(**fields: Any) -> Dialogue:
    return factories.upcoming(mode="in-writing", **fields)


def as_focal_point(entity: Any) -> Client:
    client = Client()
    client.force_login(focal_point(entity))
    return client


def test_focal_point_answers_in_writing_and_staff_publish(client: Client, committed: Any) -> None:
    dialogue, entity = in_writing(), member_entity()
    question = factories.question(dialogue)
    browser, data = as_focal_point(entity), {"entity": entity.pk, "text": "Par la loi.", "language": "fr"}
    address = at("answer_question", dialogue, question.uid)

    committed(lambda: [browser.post(address, data) for _time in range(2)])

    answer = Answer.objects.get()
    assert (answer.entity, answer.text_fr, answer.published_at) == (entity, "Par la loi.", None)
    assert answer.given_on == timezone.localdate(timezone=dialogue.zone)
    assert [message.to for message in mails("An answer in writing waits")] == [[settings.PORTAL_CONTACT]]
    assert "Par la loi." not in client.get(at("questions", dialogue)).content.decode()
    actions.publish_answer(answer=answer, by=UserFactory())
    assert state(question) == "answered-in-writing"
    assert entity.official_name in text_of(client.get(at("questions", dialogue)))


def test_draft_in_writing_can_be_changed_until_it_is_published() -> None:
    dialogue, entity = in_writing(), member_entity()
    question = factories.question(dialogue)
    browser, address = as_focal_point(entity), at("answer_question", dialogue, question.uid)
    browser.post(address, {"entity": entity.pk, "text": "First.", "language": "en"})

    page = browser.get(address).content.decode()
    browser.post(address, {"entity": entity.pk, "text": "Deuxième.", "language": "fr"})

    assert "First." in page
    answer = Answer.objects.get()
    assert (answer.language, answer.text_fr, answer.text_en) == ("fr", "Deuxième.", None)


def test_only_focal_points_of_active_members_answer_in_writing(client: Client) -> None:
    dialogue = in_writing()
    question = factories.question(dialogue)
    address = at("answer_question", dialogue, question.uid)
    not_member, not_in_writing = as_focal_point(EntityFactory()), factories.upcoming()
    other = factories.question(not_in_writing)

    assert client.get(address).status_code == 302
    assert not_member.get(address).status_code == 403
    member = as_focal_point(member_entity())
    assert member.get(address).status_code == 200
    assert member.get(at("answer_question", not_in_writing, other.uid)).status_code == 403
    assert member.get(at("answer_question", dialogue, pending(dialogue).uid)).status_code == 404
    assert Answer.objects.count() == 0


def test_entity_of_another_focal_point_cannot_be_chosen() -> None:
    dialogue, own, other = in_writing(), member_entity(), member_entity()
    question = factories.question(dialogue)

    response = as_focal_point(own).post(
        at("answer_question", dialogue, question.uid), {"entity": other.pk, "text": "Mine.", "language": "en"}
    )

    assert "Select a valid choice." in text_of(response)
    assert Answer.objects.count() == 0


def test_unanswered_question_is_handed_on_with_a_day_and_answered(client: Client, committed: Any) -> None:
    entity = EntityFactory(official_name_en="Office of Answers")
    person = focal_point(entity, language="es")
    question = factories.question(text_en="Who pays?")
    mail.outbox.clear()

    committed(
        lambda: actions.hand_on(question=question, entity=entity, answer_by=timezone.localdate(), by=UserFactory())
    )
    browser = Client()
    browser.force_login(person)
    address = at("answer_question", question.dialogue, question.uid)
    browser.post(address, {"entity": entity.pk, "text": "All.", "language": "en"})

    assert [message.to for message in mail.outbox][:1] == [[person.email]]
    assert address.replace("/en/", "/es/") in mail.outbox[0].body
    page = text_of(client.get(at("questions", question.dialogue)))
    assert "To be answered by: Office of Answers" in page
    assert Answer.objects.get().entity == entity


def test_handing_on_to_the_past_or_to_a_hidden_entity_is_refused() -> None:
    question = factories.question()
    merged = EntityFactory(merged_into=EntityFactory())

    for entity, day in ((EntityFactory(), timezone.localdate() - timedelta(days=1)), (merged, timezone.localdate())):
        with pytest.raises(ValidationError):
            actions.hand_on(question=question, entity=entity, answer_by=day, by=UserFactory())


# The moderator's desk --------------------------------------------------------------------------------------------


def desk_of(dialogue: Dialogue) -> str:
    return desk.link(dialogue).removeprefix("http://localhost:8000")


def step(client: Client, question: Question, act: str, **data: Any) -> Any:
    fields = {"question": question.uid, "seen": state(question), "act": act, **data}
    return client.post(desk_of(question.dialogue), fields)


def test_desk_moderates_without_an_account_or_a_cookie(client: Client) -> None:
    question = pending(factories.live())
    strict = Client(enforce_csrf_checks=True)

    page = strict.get(desk_of(question.dialogue))
    response = step(strict, question, "publish")
    after = strict.get(response["Location"])

    assert (page.status_code, response.status_code) == (200, 302)
    assert response["Location"] == f"{desk_of(question.dialogue)}?done=publish#{question.anchor}"
    assert "The question is published." in text_of(after)
    assert not strict.cookies
    question.refresh_from_db()
    assert (question.state, question.moderated_by) == ("published", "moderator's desk")


def test_desk_is_kept_from_caches_indexes_and_referrers(client: Client) -> None:
    response = client.get(desk_of(factories.live()))

    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in response.content.decode()


def test_desk_opens_for_its_own_link_only(client: Client) -> None:
    dialogue = factories.live()
    token = desk_of(factories.live()).rstrip("/").rpartition("/")[2]
    wrong = reverse("dialogue:desk", args=[dialogue.slug, token])

    answers = [client.get(desk_of(dialogue)), client.get(wrong), client.post(wrong, {"act": "publish"})]

    assert [answer.status_code for answer in answers] == [200, 410, 410]


def test_desk_opens_until_two_days_after_the_dialogue(client: Client) -> None:
    now = timezone.now()
    early = factories.dialogue(starts_at=now - timedelta(hours=48), ends_at=now - timedelta(hours=47))
    late = factories.dialogue(starts_at=now - timedelta(hours=50), ends_at=now - timedelta(hours=49))

    answers = [client.get(desk_of(dialogue)) for dialogue in (early, late)]

    assert [answer.status_code for answer in answers] == [200, 410]
    assert "It has expired" in text_of(answers[1])


def test_link_of_the_desk_is_revoked_with_the_moderator_or_the_closing_time(client: Client) -> None:
    dialogue = factories.upcoming()
    first = desk_of(dialogue)
    factories.part(dialogue, role="moderator")
    second = desk_of(dialogue)
    factories.part(dialogue, role="panellist")
    dialogue.questions_close_at += timedelta(minutes=1)
    dialogue.save()

    assert [client.get(address).status_code for address in (first, second, desk_of(dialogue))] == [410, 410, 200]


def test_draft_dialogue_has_no_desk() -> None:
    assert desk.link(factories.draft()) == ""


def test_desk_walks_a_question_through_the_meeting(client: Client) -> None:
    dialogue = factories.live()
    part = factories.part(dialogue)
    question = factories.question(dialogue)

    states = []
    for act, data in (
        ("stage", {}), ("unstage", {}), ("stage", {}),
        ("answered", {"participation": part.pk, "text": "", "language": "en"}), ("reopen", {}), ("take-back", {}),
        ("decline", {"reason": "Later."}),
    ):  # fmt: skip
        assert step(client, question, act, **data).status_code == 302
        states.append(state(question))

    assert states == ["on-stage", "published", "on-stage", "answered", "published", "pending", "declined"]
    answer = Answer.objects.get()
    assert (answer.participation, answer.text_en, answer.published_at) == (part, "Answered in the meeting.", None)


def test_answer_of_the_desk_is_not_public_before_staff_publish_it(client: Client) -> None:
    dialogue = factories.live()
    question = factories.question(dialogue)
    step(client, question, "answered", participation=factories.part(dialogue).pk, text="A note.", language="en")

    page = text_of(client.get(at("questions", dialogue)))

    assert "The answer was given; its record is not published yet." in page
    assert "A note." not in page


def test_desk_merges_and_undoes_it(client: Client) -> None:
    dialogue = factories.live()
    stays, goes = factories.question(dialogue), pending(dialogue)

    chooser = client.get(desk_of(dialogue), {"act": "merge", "question": goes.uid})
    step(client, goes, "merge", into=stays.pk)

    assert str(stays) in text_of(chooser)
    assert state(goes) == "merged"
    step(client, goes, "unmerge")
    assert state(goes) == "published"


def test_desk_changes_the_order_of_prepared_questions(client: Client) -> None:
    dialogue = factories.live()
    first, second = factories.question(dialogue), factories.question(dialogue)

    step(client, second, "up")

    assert list(Question.objects.filter(dialogue=dialogue).in_groups()) == [second, first]


@pytest.mark.parametrize(
    ("act", "data", "sentence"),
    [
        ("decline", {"reason": ""}, "Give a reason."),
        ("merge", {"into": ""}, "Choose the question that stays."),
        ("answered", {"participation": "", "language": "en"}, "Choose who answered."),
    ],
)
def test_desk_asks_for_what_is_missing(client: Client, act: str, data: dict[str, str], sentence: str) -> None:
    question = factories.question(factories.live())
    factories.question(question.dialogue)
    factories.part(question.dialogue)

    response = step(client, question, act, **data)

    assert sentence in text_of(response)
    assert "<title>Error:" in response.content.decode()
    assert state(question) == "published"


def test_second_moderator_is_told_what_the_first_did(client: Client) -> None:
    question = pending(factories.live())
    step(client, question, "publish")

    response = step(client, question, "decline", reason="No.", seen="pending")

    assert response.status_code == 409
    assert "in the state “Published” by now" in text_of(response)
    assert state(question) == "published"


def test_desk_reaches_no_question_of_another_dialogue(client: Client) -> None:
    question, elsewhere = pending(factories.live()), factories.live()

    responses = [
        client.post(desk_of(elsewhere), {"question": question.uid, "act": "publish"}),
        client.get(desk_of(elsewhere), {"question": question.uid, "act": "decline"}),
        client.post(desk_of(elsewhere), {"question": "x", "act": "publish"}),
        client.post(desk_of(elsewhere), {"question": question.uid, "act": "drop"}),
    ]

    assert [response.status_code for response in responses] == [404] * 4
    assert state(question) == "pending"


def test_opening_the_desk_and_its_steps_changes_nothing(client: Client) -> None:
    question = pending(factories.live())

    for act in ("publish", "decline", "merge", "answered"):
        assert client.get(desk_of(question.dialogue), {"act": act, "question": question.uid}).status_code == 200

    assert state(question) == "pending"


def test_history_of_the_desk_keeps_no_key(client: Client) -> None:
    question = pending(factories.live())

    step(client, question, "publish")

    context = Question.pgh_event_model.objects.order_by("-pgh_id").first().pgh_context
    assert context.metadata["url"] == f"/en/dialogues/{question.dialogue.slug}/questions/desk/…/"


def test_desk_names_the_member_of_staff_who_uses_it() -> None:
    client, user = staff()
    question = pending(factories.live())

    step(client, question, "publish")

    assert Question.objects.get().moderated_by == user.email


@pytest.mark.parametrize("count", [1, 3])
def test_desk_needs_the_same_queries_for_any_number(client: Client, django_assert_num_queries: Any, count: int) -> None:
    dialogue = factories.live()
    for _number in range(count):
        question = factories.question(dialogue, session=factories.session(dialogue))
        actions.merge(question=pending(dialogue), into=question, by=None)
        pending(dialogue)
    address = desk_of(dialogue)

    with django_assert_num_queries(3):
        client.get(address)


# The back office -------------------------------------------------------------------------------------------------


def staff() -> tuple[Client, User]:
    load_groups()
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=permissions.EVENT_MANAGERS))
    client = Client()
    client.force_login(user)
    return client, user


def act_on(client: Client, model: str, action: str, *rows: Any, **data: Any) -> Any:
    fields = {"action": action, "_selected_action": [row.pk for row in rows], **data}
    return client.post(reverse(f"admin:dialogue_{model}_changelist"), fields, follow=True)


def test_staff_moderate_in_the_back_office() -> None:
    client, user = staff()
    dialogue = factories.dialogue()
    rows = [pending(dialogue) for _number in range(3)]

    act_on(client, "question", "publish", rows[0])
    asked = act_on(client, "question", "decline", rows[1])
    act_on(client, "question", "decline", rows[1], confirmed="yes", reason="No.")
    act_on(client, "question", "merge", rows[2], confirmed="yes", into=rows[0].pk)

    assert 'name="reason"' in asked.content.decode()
    assert [state(row) for row in rows] == ["published", "declined", "merged"]
    assert Question.objects.get(pk=rows[0].pk).moderated_by == user.email


def test_staff_hand_on_and_publish_answers() -> None:
    client, user = staff()
    question, entity = factories.question(), EntityFactory()
    act_on(
        client, "question", "hand_on", question, confirmed="yes", entity=entity.pk, answer_by=str(timezone.localdate())
    )
    draft = actions.write_answer(question=question, entity=entity, by=user, text="All.", language="en")

    act_on(client, "answer", "publish", draft, confirmed="yes", how="")

    question.refresh_from_db()
    assert (question.entity, question.state) == (entity, "answered-in-writing")
    assert Answer.objects.get().published_by == user


def test_start_page_counts_questions_and_answers_that_wait() -> None:
    client, _user = staff()
    question = factories.question()
    pending(question.dialogue)
    actions.answer(
        question=question, by=None, text="Yes.", language="en", given_on=date(2018, 3, 21),
        participation=factories.part(question.dialogue),
    )  # fmt: skip

    waiting = {line.label: line.count for line in client.get(reverse("admin:index")).context["waiting"]}

    assert (waiting["Questions to moderate"], waiting["Answers to publish"], waiting["Answers overdue"]) == (1, 1, 0)


def test_forms_of_the_back_office_open_and_protect_what_was_asked() -> None:
    client, _user = staff()
    question = pending(factories.dialogue(), text_en="As written?")
    answer = actions.write_answer(
        question=actions.publish(question=question, by=None), entity=EntityFactory(), by=UserFactory(), text="Yes.",
        language="en",
    )  # fmt: skip

    asked = client.get(reverse("admin:dialogue_question_change", args=[question.pk]))
    given = client.get(reverse("admin:dialogue_answer_change", args=[answer.pk]))
    new = client.get(reverse("admin:dialogue_answer_add"), {"question": question.pk})

    assert "text_en" not in asked.context["adminform"].form.fields
    assert "text_fr" in asked.context["adminform"].form.fields
    assert desk.link(question.dialogue) in asked.content.decode()
    assert (given.status_code, new.status_code) == (200, 200)


def test_answer_of_another_dialogues_part_is_refused_beside_the_field() -> None:
    client, _user = staff()
    question = factories.question()

    response = client.post(
        reverse("admin:dialogue_answer_add"),
        {"question": question.pk, "participation": factories.part().pk, "given_on": "2018-03-21", "language": "en",
         "text_en": "Yes."},
    )  # fmt: skip

    assert "This part belongs to another dialogue." in response.content.decode()
    assert Answer.objects.count() == 0


def test_stranger_in_the_back_office_moderates_nothing() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    question = pending(factories.dialogue())

    act_on(client, "question", "publish", question)

    assert state(question) == "pending"


def test_pages_speak_all_six_languages(upcoming: Dialogue) -> None:
    question = factories.question(upcoming)
    client = taking_part(factories.attendance(upcoming))

    for language in ("ar", "zh-hans", "fr", "ru", "es"):
        with translation.override(language):
            pages = [
                at("questions", upcoming),
                at("ask", upcoming),
                at("support", upcoming, question.uid),
                desk_of(upcoming),
            ]
        assert [client.get(page).status_code for page in pages] == [200] * 4
