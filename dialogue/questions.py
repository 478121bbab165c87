"""Questions as pages and files show them: in groups, with credits, answers, their place in the recording, citations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import get_language, get_language_info, gettext as _, ngettext, override

from dialogue.models import Answer, Dialogue, Question
from dialogue.querysets import QUESTION_GROUPS
from dialogue.times import day_words
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag
from knowledge import citations

FAMILIES = {"on-stage": "success", "answered": "quiet", "answered-in-writing": "quiet", "declined": "danger"}
SPOKEN = citations.Kind("speech", "SLIDE", "misc")
WRITTEN = citations.Kind("webpage", "ELEC", "misc")
MOST_CREDITS = 20  # named one by one; of more the rest is counted
TITLE_LENGTH = 120


# Addresses ------------------------------------------------------------------------------------------------------


def code(question: Question) -> str:
    """Short, for addresses: on which page of a long list the question is."""
    return question.uid.hex[:8]


def address(item: Question | Answer) -> str:
    """The lasting address of a question or answer, in the active language, however long the list becomes."""
    question = item.question if isinstance(item, Answer) else item
    shown = question.merged_into if question.merged_into_id and question.merged_into else question
    page = reverse("dialogue:questions", args=[question.dialogue.slug])
    return f"{page}?question={code(shown)}#{item.anchor if shown is question else shown.anchor}"


# Recordings -----------------------------------------------------------------------------------------------------


def clock(second: int) -> str:
    """3723 is 01:02:03."""
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def recording_address(url: str, second: int) -> str:
    """Where a recording starts at a second: `t` in the query for YouTube, a media fragment for all others."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    if host in {"youtube.com", "youtu.be", "youtube-nocookie.com"}:
        query = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"t", "start"}]
        return urlunsplit(parts._replace(query=urlencode([*query, ("t", f"{second}s")]), fragment=""))
    fragment = f"t={second}s" if host.endswith("vimeo.com") else f"t={second}"
    return urlunsplit(parts._replace(fragment=fragment))


# What one question shows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """A text and how to mark it up: its language, and a note where it is a translation or not the reader's language."""

    text: str
    tag: str
    direction: str
    note: str


def words(item: Question | Answer) -> Words:
    shown = item.shown_language
    info = get_language_info(shown)
    note = ""
    if shown != item.language:
        note = _("Translated from %(language)s.") % {"language": _name_of(item.language)}
    elif shown != (get_language() or "en"):
        note = _("Language: %(language)s.") % {"language": _name_of(shown)}
    return Words(item.shown_text, language_tag(shown), "rtl" if info["bidi"] else "ltr", note)


def _name_of(language: str) -> str:
    return str(get_language_info(language)["name_translated"])


@dataclass(frozen=True)
class Credit:
    """Who asked. Without a name a participant who is not named."""

    name: str
    organization: str


@dataclass(frozen=True)
class ShownAnswer:
    answer: Answer
    words: Words
    day: str
    recording: str
    at: str
    citation: str


@dataclass(frozen=True)
class ShownQuestion:
    question: Question
    words: Words
    family: str
    credits: list[Credit]
    more_credits: str
    is_handed_on: bool
    until: str
    answers: list[ShownAnswer]

    @property
    def is_open(self) -> bool:
        return self.question.state in {"published", "on-stage"}


@dataclass(frozen=True)
class Group:
    code: str
    title: str
    questions: list[ShownQuestion]


def show(question: Question, dialogue: Dialogue) -> ShownQuestion:
    """No query for rows of `for_listing()`."""
    question.dialogue = dialogue
    if question.session is not None:
        question.session.dialogue = dialogue
    credits = _credits(question)
    more = len(credits) - MOST_CREDITS
    is_handed_on = question.answer_by is not None and question.entity is not None
    return ShownQuestion(
        question=question,
        words=words(question),
        family=FAMILIES.get(question.state, ""),
        credits=credits[:MOST_CREDITS],
        more_credits=ngettext("and %(count)d other participant", "and %(count)d other participants", more)
        % {"count": more}
        if more > 0
        else "",
        is_handed_on=is_handed_on,
        until=day_words(question.answer_by) if question.answer_by else "",
        answers=[_show_answer(answer, question) for answer in question.answers.all()],
    )


def _credits(question: Question) -> list[Credit]:
    """Of the question and of all merged into it; who asked twice and is named, once."""
    asked = [question] if question.origin == Question.Origin.ASKED else []
    credits = [Credit(row.asked_by, row.asked_for) for row in [*asked, *question.merged.all()]]
    return [credit for place, credit in enumerate(credits) if not credit.name or credit not in credits[:place]]


def _show_answer(answer: Answer, question: Question) -> ShownAnswer:
    answer.question = question
    recording = (question.session and question.session.recording_url) or question.dialogue.recording_url
    second = answer.recording_second
    return ShownAnswer(
        answer=answer,
        words=words(answer),
        day=day_words(answer.given_on, weekday=False),
        recording=recording_address(recording, second) if second is not None else "",
        at=clock(second) if second is not None else "",
        citation=citations.text(csl(answer)),
    )


def grouped(questions: Iterable[ShownQuestion]) -> list[Group]:
    """In the order of the page; groups without a question are left out."""
    rows = list(questions)
    titles = {
        "on-stage": _("On stage now"),
        "published": _("Open questions"),
        "answered": _("Answered"),
        "answered-in-writing": _("Answered in writing"),
        "declined": _("Declined, with the reason"),
    }
    groups = [
        Group(code, titles[code], [row for row in rows if row.question.state == code]) for code in QUESTION_GROUPS
    ]
    return [group for group in groups if group.questions]


def groups(dialogue: Dialogue, **condition: Any) -> list[Group]:
    """All public questions of a dialogue; with `session=…` those of a session. Three queries."""
    rows = Question.objects.public().filter(dialogue=dialogue, **condition).for_listing().in_groups()
    return grouped(show(question, dialogue) for question in rows)


# Citing ---------------------------------------------------------------------------------------------------------


def csl(answer: Answer) -> dict[str, Any]:
    """CSL-JSON of an answer: of the original words of the question, at the answer's lasting address."""
    question, dialogue = answer.question, answer.question.dialogue
    with override(answer.language):
        title = _("Answer to the question “%(question)s”") % {
            "question": Truncator(" ".join(question.original.split())).chars(TITLE_LENGTH)
        }
        event = dialogue.title
    day = answer.given_on
    return {
        "id": f"answer-{answer.uid}",
        "type": kind(answer).csl,
        "title": title,
        "author": [{"literal": name} for name in _authors(answer)],
        "container-title": event,
        "event-title": event,
        "language": language_tag(answer.language),
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "URL": absolute(address(answer)),
    }


def _authors(answer: Answer) -> list[str]:
    part = answer.participation
    if part is None:
        return [answer.entity.official_name] if answer.entity else []
    return list(dict.fromkeys(name for name in (part.name, part.entity_name) if name))


def kind(answer: Answer) -> citations.Kind:
    return WRITTEN if answer.question.state == "answered-in-writing" else SPOKEN


def citation_file(answer: Answer, file_format: str) -> str:
    """BibTeX or RIS."""
    item = csl(answer)
    if file_format == "ris":
        return citations.ris_record(item, kind(answer))
    plain = {key: value for key, value in item.items() if key != "container-title"}
    return citations.bibtex_entry({**plain, "publisher": item["container-title"]}, kind(answer))


# CSV ------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "address", "state", "origin", "session", "language", "question", "asked_by", "supporters", "published", "reason",
    "answers", "answered_by", "answered_on", "sources",
)  # fmt: skip


def row(shown: ShownQuestion) -> dict[str, Any]:
    """A line of the CSV; texts are the original ones."""
    question, answers = shown.question, [shown_answer.answer for shown_answer in shown.answers]
    return {
        "address": absolute(address(question)),
        "state": question.get_state_display(),
        "origin": question.get_origin_display(),
        "session": question.session.title if question.session else "",
        "language": language_tag(question.language),
        "question": question.original,
        "asked_by": [_named(credit) for credit in _credits(question)],
        "supporters": str(question.support_count),  # type: ignore[attr-defined]
        "published": question.published_at and question.published_at.date(),
        "reason": question.reason,
        "answers": "\n\n".join(answer.original for answer in answers),
        "answered_by": [_answerer(answer) for answer in answers],
        "answered_on": [answer.given_on for answer in answers],
        "sources": [answer.source_url for answer in answers if answer.source_url],
    }


def _named(credit: Credit) -> str:
    name = credit.name or _("A participant")
    return f"{name} ({credit.organization})" if credit.organization else name


def _answerer(answer: Answer) -> str:
    part = answer.participation
    if part is None:
        return answer.entity.official_name if answer.entity else ""
    return ", ".join(dict.fromkeys(text for text in (part.name, part.title_then, part.entity_name) if text))
