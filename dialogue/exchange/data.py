"""The portal's own JSON of a dialogue, version 1 (docs/dialogue.md), and JSON-LD for search engines.

Both name roles and capacities as they were then; JSON-LD refers to sessions and people by their addresses.
"""

from typing import Any

from django.urls import reverse
from django.utils.translation import get_language

from dialogue.exchange.programme import Item, Programme
from dialogue.models import Dialogue, Document, Participation, Session
from dialogue.times import When, when
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag

VERSION = 1
STATUS = {"cancelled": "EventCancelled", "rescheduled": "EventRescheduled"}
MODES = {
    "on-site": "OfflineEventAttendanceMode", "hybrid": "MixedEventAttendanceMode", "online": "OnlineEventAttendanceMode",
    "in-writing": "OnlineEventAttendanceMode",
}  # fmt: skip


def _time(item: Dialogue | Session) -> dict[str, Any] | None:
    """ISO 8601 with the zone's offset and the words of the page; dates alone where only the day is known."""
    time = when(item)
    if time is None:
        return None
    return {
        "starts": _iso(time, "start"),
        "ends": _iso(time, "end"),
        "time_zone": str(time.zone),
        "precision": "minute" if time.has_hours else "day",
        "words": time.words,
    }


def _iso(time: When, side: str) -> str:
    if not time.has_hours:
        return (time.first_day if side == "start" else time.last_day).isoformat()
    return (time.local_start if side == "start" else time.local_end).isoformat()


def _part(part: Participation) -> dict[str, Any]:
    return {
        "role": part.role,
        "order": part.position,
        "person": str(part.person) if part.person else None,
        "person_address": absolute(part.person.get_absolute_url()) if part.person else None,
        "title_then": part.title_then,
        "entity": part.entity.slug if part.entity else None,
        "entity_then": part.entity_name,
        "on_behalf_of": part.on_behalf_of,
        "sector": part.sector,
        "reported_by": part.source_url if part.is_reported else "",
        "source": part.source_url,
    }


def _document(document: Document) -> dict[str, Any]:
    return {
        "type": document.document_type,
        "title": str(document),
        "language": document.language,
        "symbol": document.symbol,
        "address": absolute(document.get_absolute_url()),
        "sha256": document.sha256,
    }


def _session(item: Item) -> dict[str, Any]:
    session = item.session
    return {
        "uid": str(session.uid),
        "address": absolute(session.get_absolute_url()),
        "kind": session.kind,
        "title": session.title,
        "summary": session.summary,
        "when": _time(session),
        "room": session.room,
        "status": "cancelled" if session.is_cancelled else "confirmed",
        "sequence": session.sequence,
        "people": [_part(part) for part in item.parts],
        "documents": [_document(document) for document in item.documents],
    }


def json(programme: Programme) -> dict[str, Any]:
    """Texts in the active language; codes are those of data/vocabularies.csv."""
    dialogue = programme.dialogue
    return {
        "version": VERSION,
        "uid": str(dialogue.uid),
        "address": absolute(dialogue.get_absolute_url()),
        "language": language_tag(get_language() or "en"),
        "made_up_for_the_demonstration": dialogue.is_example,
        "kind": dialogue.kind,
        "title": dialogue.title,
        "theme": dialogue.theme,
        "overview": dialogue.overview,
        "status": dialogue.status,
        "status_note": dialogue.status_note or "",
        "phase": dialogue.phase(),
        "sequence": dialogue.sequence,
        "modified": dialogue.modified_at.isoformat(),
        "when": _time(dialogue),
        "previous_start": dialogue.previous_starts_at.isoformat() if dialogue.previous_starts_at else None,
        "place": dialogue.place,
        "venue": dialogue.venue,
        "room": dialogue.room,
        "country": dialogue.country_id,
        "mode": dialogue.mode,
        "organizers": programme.organizers,
        "host_event": {
            "name": dialogue.host_event,
            "address": dialogue.host_event_url,
            "session_number": dialogue.host_session_number,
        },
        "working_languages": dialogue.working_languages,
        "interpretation": dialogue.interpretation,
        "captioned": dialogue.is_captioned,
        "recording": dialogue.recording_url,
        "letter": dialogue.letter.version if dialogue.letter else None,
        "follows": dialogue.follows.slug if dialogue.follows and dialogue.follows.is_public else None,
        "source": {"name": dialogue.source_name, "address": dialogue.source_url},
        "people": [_part(part) for part in programme.parts],
        "documents": [_document(document) for document in programme.documents],
        "sessions": [_session(item) for item in programme.items],
        "more": {
            name: absolute(reverse(f"dialogue:{address}", args=[dialogue.slug]))
            for name, address in (
                ("signatories_csv", "signatories_csv"),
                ("outcomes_csv", "outcomes_csv"),
                ("questions_csv", "questions_csv"),
                ("changes_atom", "changes_feed"),
                ("calendar", "dialogue_calendar"),
            )
        },
    }


# JSON-LD ------------------------------------------------------------------------------------------------------


def json_ld(programme: Programme) -> dict[str, Any]:
    """schema.org/Event. Performers are people with their role; sessions stand with their address and time alone."""
    dialogue = programme.dialogue
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": absolute(dialogue.get_absolute_url()),
        "url": absolute(dialogue.get_absolute_url()),
        "name": dialogue.title,
        **_ld_time(dialogue),
        "eventStatus": f"https://schema.org/{STATUS.get(dialogue.status, 'EventScheduled')}",
        "eventAttendanceMode": f"https://schema.org/{MODES[dialogue.mode]}",
        "location": _ld_location(dialogue),
        "organizer": [
            {
                "@type": "Organization",
                "name": organizer["name"],
                "@id": absolute(reverse("coalition:entity_detail", args=[organizer["slug"]])),
            }
            for organizer in programme.organizers
        ],
        "performer": _performers(programme.all_parts),
        "subEvent": [
            {
                "@type": "Event",
                "@id": absolute(item.session.get_absolute_url()),
                "name": item.session.title,
                **(_ld_time(item.session) or _ld_time(dialogue)),
            }
            for item in programme.items
        ],
    }
    if dialogue.theme:
        data["description"] = dialogue.theme
    if dialogue.working_languages:
        data["inLanguage"] = dialogue.working_languages
    if dialogue.status == Dialogue.Status.RESCHEDULED and dialogue.previous_starts_at:
        data["previousStartDate"] = dialogue.previous_starts_at.astimezone(dialogue.zone).isoformat()
    return {name: value for name, value in data.items() if value not in ("", [], None)}


def _ld_time(item: Dialogue | Session) -> dict[str, str]:
    time = when(item)
    return {} if time is None else {"startDate": _iso(time, "start"), "endDate": _iso(time, "end")}


def _ld_location(dialogue: Dialogue) -> Any:
    place = {
        "@type": "Place",
        "name": ", ".join(part for part in (dialogue.room, dialogue.venue) if part) or dialogue.place,
        "address": ", ".join(part for part in (dialogue.place, str(dialogue.country or "")) if part),
    }
    online = {"@type": "VirtualLocation", "url": dialogue.webcast_url or absolute(dialogue.get_absolute_url())}
    if dialogue.mode == "hybrid":
        return [place, online]
    return place if dialogue.mode == "on-site" else online


def _performers(parts: list[Participation]) -> list[dict[str, Any]]:
    """Each person once, under a Role for each role."""
    seen, found = set(), []
    for part in parts:
        if part.person is None or (part.person_id, part.role) in seen:
            continue
        seen.add((part.person_id, part.role))
        person: dict[str, Any] = {
            "@type": "Person",
            "@id": absolute(part.person.get_absolute_url()),
            "name": str(part.person),
        }
        if part.title_then:
            person["jobTitle"] = part.title_then
        if part.entity_name:
            person["affiliation"] = {"@type": "Organization", "name": part.entity_name}
        found.append({"@type": "Role", "roleName": part.get_role_display(), "performer": person})
    return found
