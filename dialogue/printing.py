"""Paper of a dialogue, as PDF by Typst: the agenda for everyone, the run of show for moderator and staff."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import get_language, get_language_bidi, gettext as _, ngettext

from dialogue.exchange.programme import Item, Programme
from dialogue.models import Dialogue, Participation, Question, Session
from dialogue.times import day_words, when
from ewaste_portal import typesetting
from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute

TEMPLATE = Path(__file__).parent / "typst" / "paper.typ"


def agenda(programme: Programme) -> bytes:
    """In the active language; the same facts give the same bytes."""
    data = _data(programme, kind=_("Agenda"))
    return _typeset(data, at=programme.dialogue.modified_at)


def run_of_show(dialogue: Dialogue) -> bytes:
    """With what only those on stage need: notes, minutes, how to say a name, the questions. Sessions held back too."""
    items = {session.pk: Item(session) for session in Session.objects.filter(dialogue=dialogue).in_order()}
    programme = Programme(dialogue, list(items.values()))
    for item in programme.items:
        item.session.dialogue = dialogue
    parts = Participation.objects.filter(dialogue=dialogue).select_related("person", "entity")
    for part in parts.order_by("position", "pk"):
        (items[part.session_id] if part.session_id else programme).parts.append(part)
    data = _data(programme, kind=_("Run of show"), for_stage=True)
    questions = Question.objects.filter(dialogue=dialogue, state__in=["published", "on-stage"]).order_by(
        "position", "pk"
    )
    data["questions"] = [
        {
            "text": question.shown_text,
            "meta": "" if question.origin == "prepared" else question.asked_by or _("A participant"),
        }
        for question in questions
    ]
    return _typeset(data, at=dialogue.modified_at)


def _typeset(data: dict[str, Any], *, at: datetime) -> bytes:
    """UnsettableError if a character has no font."""
    data["date"] = [at.year, at.month, at.day]
    try:
        inputs = {"data": json.dumps(data, ensure_ascii=False)}
        return typesetting.typeset(typesetting.source(TEMPLATE), inputs, at=at)
    except RuntimeError as error:
        missing = typesetting.unsettable("".join(sorted(set(json.dumps(data, ensure_ascii=False)))))
        if missing:
            raise typesetting.UnsettableError(missing) from error
        raise


def _data(programme: Programme, *, kind: str, for_stage: bool = False) -> dict[str, Any]:
    dialogue, time = programme.dialogue, when(programme.dialogue)
    place = ", ".join(part for part in (dialogue.room, dialogue.venue) if part)
    cancelled = (
        f"{dialogue.get_status_display()}. {dialogue.status_note or ''}".strip() if dialogue.is_cancelled else ""
    )
    days: list[dict[str, Any]] = []
    for item in programme.items:
        found = when(item.session)
        title = f"{day_words(found.first_day)} ({found.zone_name})" if found else ""
        if not days or (title and title != days[-1]["title"]):
            days.append({"title": title, "items": []})
        days[-1]["items"].append(_item(item, for_stage=for_stage))
    language = get_language() or "en"
    return {
        "lang": {"zh-hans": "zh"}.get(language, language),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "title": dialogue.title,
        "author": portal_name(),
        "kind": kind,
        "theme": dialogue.theme or "",
        "notice": _("Made up for the demonstration") if dialogue.is_example else "",
        "address": absolute(dialogue.get_absolute_url()),
        "head": [
            {"text": text, "strong": strong}
            for text, strong in ((time.words if time else "", True), (place, False), (cancelled, True))
            if text
        ],
        "days": days,
        "questions_title": _("Questions"),
        "questions": [],
    }


def _item(item: Item, *, for_stage: bool) -> dict[str, Any]:
    session, time, minutes = item.session, when(item.session), item.session.minutes
    state = session.get_state_display() if session.state != Session.State.PUBLISHED else ""
    return {
        "hours": time.short_hours if time else "",
        "length": ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes} if minutes else "",
        "title": session.title,
        "meta": " · ".join(part for part in (state, session.get_kind_display(), session.room) if part),
        "summary": session.summary or "",
        "people": [_person(part, for_stage=for_stage) for part in item.parts],
        "notes": session.notes if for_stage else "",
    }


def _person(part: Participation, *, for_stage: bool) -> dict[str, str]:
    entity = part.entity_name if part.person else ""
    more = [_("On behalf of %(head)s") % {"head": part.on_behalf_of}] if part.on_behalf_of else []
    if for_stage:
        if part.person and part.person.pronunciation:
            more.append(_("Say: %(pronunciation)s") % {"pronunciation": part.person.pronunciation})
        if part.minutes:
            more.append(ngettext("%(count)d minute", "%(count)d minutes", part.minutes) % {"count": part.minutes})
    return {
        "role": part.get_role_display(),
        "name": part.name,
        "capacity": ", ".join(text for text in (part.title_then, entity) if text),
        "more": " · ".join(more),
    }
