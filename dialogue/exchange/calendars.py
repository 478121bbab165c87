"""iCalendar (RFC 5545): a dialogue, its sessions, all of an entity, all there are, and what a person registered for.

UIDs never change, SEQUENCE comes from the database, cancelled items stay as CANCELLED with the word in their summary, since
some programs hide the status. Times carry the IANA name of the zone, described by our own VTIMEZONE.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _, pgettext
from icalendar import Calendar, Event, vCalAddress, vDDDTypes, vText, vUri

from dialogue.exchange.zones import vtimezone
from dialogue.models import Attendance, Dialogue, Document, Session
from dialogue.times import When, when
from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute

CONTENT_TYPE = "text/calendar; charset=utf-8"
PRODUCT = "-//E-waste Knowledge Sharing Platform//Dialogue//EN"
REFRESH = "PT1H"


def uid(item: Dialogue | Session) -> str:
    return f"{item.uid}@{urlsplit(settings.PORTAL_ORIGIN).hostname}"


def location(dialogue: Dialogue, room: str = "") -> str:
    return ", ".join(dict.fromkeys(part for part in (room or dialogue.room, dialogue.venue, dialogue.place) if part))


def _event(item: Dialogue | Session, dialogue: Dialogue, time: When, description: str) -> Event:
    event = Event()
    # A session shows the place of its dialogue and is cancelled with it: what raises one number raises the other.
    modified, sequence = item.modified_at, item.sequence
    if item is not dialogue:
        modified, sequence = max(modified, dialogue.modified_at), sequence + dialogue.sequence
    event.add("uid", uid(item))
    event.add("dtstamp", modified)  # not the hour of asking: an unchanged file stays the same bytes
    event.add("last-modified", modified)
    event.add("created", item.created_at)
    event.add("sequence", sequence)
    if time.has_hours:
        for name, instant in (("dtstart", time.local_start), ("dtend", time.local_end)):
            event[name] = vDDDTypes(instant.replace(tzinfo=None))
            event[name].params["TZID"] = str(time.zone)
    else:
        event.add("dtstart", time.first_day)
        event.add("dtend", time.local_end.date())
    cancelled = item.is_cancelled or dialogue.is_cancelled
    title = item.title
    event.add("summary", pgettext("in a calendar", "Cancelled: %(title)s") % {"title": title} if cancelled else title)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("description", description)
    if place := location(dialogue, item.room if isinstance(item, Session) else ""):
        event.add("location", place)
    event.add("url", vUri(absolute(item.get_absolute_url())))
    event.add("categories", [item.get_kind_display()])
    event.add("transp", "TRANSPARENT" if not time.has_hours else "OPAQUE")
    organizer = vCalAddress(f"mailto:{settings.PORTAL_CONTACT}")
    organizer.params["CN"] = vText(portal_name())
    event["organizer"] = organizer
    return event


def _description(dialogue: Dialogue, time: When, documents: Iterable[Document], lines: Sequence[str] = ()) -> str:
    paragraphs = [time.words]
    if dialogue.is_cancelled or dialogue.status == Dialogue.Status.RESCHEDULED:
        paragraphs.append(f"{dialogue.get_status_display()}. {dialogue.status_note}".strip())
    paragraphs += lines
    links = [f"{document} {absolute(document.get_absolute_url())}" for document in documents]
    if links:
        paragraphs.append("\n".join([_("Documents"), *links]))
    paragraphs.append(
        _("What has changed since you added this: %(address)s") % {"address": absolute(_changes_address(dialogue))}
    )
    return "\n\n".join(paragraphs)


def _changes_address(dialogue: Dialogue) -> str:
    return f"{dialogue.get_absolute_url()}changes/?since={dialogue.sequence}"


def dialogue_event(dialogue: Dialogue, documents: Iterable[Document] = ()) -> Event:
    time = when(dialogue)
    assert time is not None  # noqa: S101  a dialogue always has one
    lines = [dialogue.theme] if dialogue.theme else []
    return _event(dialogue, dialogue, time, _description(dialogue, time, documents, lines))


def session_event(session: Session, documents: Iterable[Document] = ()) -> Event | None:
    """None for a session whose hours are not known. Takes `session.dialogue` as loaded."""
    time = when(session)
    if time is None:
        return None
    dialogue = session.dialogue
    event = _event(session, dialogue, time, _description(dialogue, time, documents, [dialogue.title]))
    event.add("related-to", uid(dialogue))
    return event


def calendar(events: Iterable[Event], dialogues: Iterable[Dialogue], *, name: str, method: str = "PUBLISH") -> bytes:
    """A file of events, with the zones of their dialogues. The language is the active one."""
    file = Calendar()
    file.add("prodid", PRODUCT)
    file.add("version", "2.0")
    file.add("calscale", "GREGORIAN")
    file.add("method", method)
    if method == "PUBLISH":
        file.add("name", name)
        file.add("x-wr-calname", name)
        file["refresh-interval"] = _duration(REFRESH)
        file.add("x-published-ttl", REFRESH)
    years: dict[str, list[int]] = {}
    for dialogue in dialogues:
        if dialogue.has_hours:
            years.setdefault(dialogue.time_zone, []).extend([dialogue.starts_at.year, dialogue.ends_at.year])
    for zone_name, used in sorted(years.items()):
        file.add_component(vtimezone(zone_name, min(used), max(used)))
    for event in events:
        file.add_component(event)
    return bytes(file.to_ical())


def _duration(text: str) -> Any:
    value = vText(text)
    value.params["VALUE"] = "DURATION"
    return value


def of_dialogues(dialogues: Sequence[Dialogue], *, name: str) -> bytes:
    return calendar([dialogue_event(dialogue) for dialogue in dialogues], dialogues, name=name)


def of_dialogue(dialogue: Dialogue, sessions: Sequence[Session], documents: Sequence[Document]) -> bytes:
    """The dialogue with its documents, and each of the sessions given whose hours are known."""
    of_session: dict[int, list[Document]] = {}
    for document in documents:
        if document.session_id:
            of_session.setdefault(document.session_id, []).append(document)
    events = [session_event(session, of_session.get(session.pk, [])) for session in sessions]
    found = [dialogue_event(dialogue, documents), *(event for event in events if event is not None)]
    return calendar(found, [dialogue], name=dialogue.title)


def of_session(session: Session, documents: Sequence[Document]) -> bytes | None:
    event = session_event(session, documents)
    return None if event is None else calendar([event], [session.dialogue], name=session.title)


def invitation(dialogue: Dialogue, attendance: Attendance, method: str = "REQUEST") -> bytes:
    """For one person who registered, in the active language.

    `method`: REQUEST and CANCEL in mails, PUBLISH for a download. CANCEL also stands for a cancelled registration.
    """
    return calendar([_own_event(dialogue, attendance, method)], [dialogue], name=dialogue.title, method=method)


def of_registrations(attendances: Sequence[Attendance]) -> bytes:
    """All that a person registered for, in the active language; takes `dialogue` of each as loaded."""
    events = [_own_event(attendance.dialogue, attendance, "PUBLISH") for attendance in attendances]
    return calendar(events, [attendance.dialogue for attendance in attendances], name=_("My dialogues"))


def _own_event(dialogue: Dialogue, attendance: Attendance, method: str) -> Event:
    """The same event stands for the others: each registration that this person cancelled raises the number here alone, so
    that the next message is not taken for an old one.
    """
    event = dialogue_event(dialogue)
    before = dialogue.attendances.filter(email__iexact=attendance.email, state="cancelled").exclude(pk=attendance.pk)
    ends = method == "CANCEL" or attendance.state == "cancelled"
    event["sequence"] = dialogue.sequence + before.count() + (ends and not dialogue.is_cancelled)
    if ends:
        event["status"] = vText("CANCELLED")
    elif attendance.state == "waiting-list" and not dialogue.is_cancelled:
        event["status"] = vText("TENTATIVE")
    if method != "PUBLISH":
        event["dtstamp"] = vDDDTypes(timezone.now())  # of a message: when it was written (RFC 5545, 3.8.7.2)
        attendee = vCalAddress(f"mailto:{attendance.email}")
        attendee.params["CN"] = vText(attendance.name)
        attendee.params["PARTSTAT"] = vText("ACCEPTED" if attendance.is_seated else "TENTATIVE")
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        event.add("attendee", attendee)
    return event


def filename(*parts: str) -> str:
    return "-".join(part for part in parts if part) + ".ics"
