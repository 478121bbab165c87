"""schedule.xml and schedule.json in the shape of frab and c3voc, which conference apps on phones read.

Only what has hours: a session, or a dialogue as a whole where the hours of its sessions are not known. Dates carry the
offset, the conference its zone; the guid is the UID of the calendars and never changes. The shape has no place for roles,
outcomes or signatures: these are in our own JSON (data.py).
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dialogue.exchange.programme import Item, Programme
from dialogue.models import Dialogue, Document, Participation, Session
from dialogue.times import When, when
from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute
from knowledge.feeds import xml_safe

GENERATOR = "E-waste Knowledge Sharing Platform"
SLOT = "00:05"


@dataclass(frozen=True)
class Entry:
    """A line of a schedule."""

    item: Session | Dialogue
    dialogue: Dialogue
    time: When
    parts: Sequence[Participation]
    documents: Sequence[Document]

    @property
    def number(self) -> int:
        """A positive integer that never changes and that no other entry has."""
        return self.item.pk * 2 if isinstance(self.item, Dialogue) else self.item.pk * 2 + 1

    @property
    def room(self) -> str:
        room = self.item.room if isinstance(self.item, Session) else ""
        return room or self.dialogue.room or self.dialogue.venue or self.dialogue.place or _("Room to be announced")

    @property
    def title(self) -> str:
        cancelled = self.item.is_cancelled or self.dialogue.is_cancelled
        return _("Cancelled: %(title)s") % {"title": self.item.title} if cancelled else self.item.title

    @property
    def slug(self) -> str:
        return f"{self.dialogue.slug}-{self.item.slug}" if isinstance(self.item, Session) else self.dialogue.slug

    @property
    def abstract(self) -> str:
        return self.item.summary if isinstance(self.item, Session) else self.dialogue.theme

    @property
    def duration(self) -> str:
        """Hours and minutes; apps know no days."""
        minutes = int((self.time.ends - self.time.starts).total_seconds()) // 60
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    @property
    def language(self) -> str:
        languages = self.item.languages if isinstance(self.item, Session) else []
        return next(iter(languages or self.dialogue.working_languages), "")

    @property
    def people(self) -> list[Participation]:
        """Each person once, in protocol order."""
        return list({part.person_id: part for part in reversed(self.parts) if part.person}.values())[::-1]


def entries(programmes: Iterable[Programme]) -> list[Entry]:
    """In order of time."""
    found = []
    for programme in programmes:
        lines = [entry for item in programme.items if (entry := _entry(programme.dialogue, item))]
        time = when(programme.dialogue)
        if not lines and time is not None and time.has_hours:
            lines = [Entry(programme.dialogue, programme.dialogue, time, programme.all_parts, programme.documents)]
        found += lines
    return sorted(found, key=lambda entry: (entry.time.starts, entry.number))


def _entry(dialogue: Dialogue, item: Item) -> Entry | None:
    time = when(item.session)
    return None if time is None else Entry(item.session, dialogue, time, item.parts, item.documents)


@dataclass(frozen=True)
class Schedule:
    """The entries by day and room. `version` changes when anything in it does."""

    title: str
    acronym: str
    address: str
    zone_name: str
    version: str
    entries: Sequence[Entry]

    @property
    def days(self) -> list[tuple[date, dict[str, list[Entry]]]]:
        """Each by the day on which it begins in its own zone."""
        days: dict[date, dict[str, list[Entry]]] = {}
        for entry in self.entries:
            days.setdefault(entry.time.first_day, {}).setdefault(entry.room, []).append(entry)
        return sorted(days.items())


def of(programmes: Sequence[Programme], *, address: str) -> Schedule:
    """Of one dialogue, or of all."""
    one = programmes[0].dialogue if len(programmes) == 1 else None
    dialogues = [programme.dialogue for programme in programmes]
    zones = {dialogue.time_zone for dialogue in dialogues}
    rows: list[Dialogue | Session] = [
        *dialogues,
        *(item.session for programme in programmes for item in programme.items),
    ]
    latest = max((row.modified_at for row in rows), default=datetime(1970, 1, 1, tzinfo=UTC))
    return Schedule(
        title=one.title if one else portal_name(),
        acronym=one.slug if one else "dialogues",
        address=absolute(address),
        zone_name=zones.pop() if len(zones) == 1 else "UTC",
        version=f"{sum(row.sequence for row in rows)}-{latest.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        entries=entries(programmes),
    )


# XML --------------------------------------------------------------------------------------------------------


def xml(schedule: Schedule) -> bytes:
    root = ET.Element("schedule")
    _leaf(root, "version", schedule.version)
    conference = ET.SubElement(root, "conference")
    days = schedule.days
    _leaf(conference, "title", schedule.title)
    _leaf(conference, "acronym", schedule.acronym)
    if days:
        _leaf(conference, "start", days[0][0].isoformat())
        _leaf(conference, "end", days[-1][0].isoformat())
    _leaf(conference, "days", str(len(days)))
    _leaf(conference, "timeslot_duration", SLOT)
    _leaf(conference, "base_url", settings.PORTAL_ORIGIN)
    _leaf(conference, "time_zone_name", schedule.zone_name)
    for index, (day, rooms) in enumerate(days, 1):
        starts, ends = _bounds(rooms)
        element = ET.SubElement(
            root, "day", index=str(index), date=day.isoformat(), start=starts.isoformat(), end=ends.isoformat()
        )
        for name, lines in rooms.items():
            room = ET.SubElement(element, "room", name=xml_safe(name))
            for entry in lines:
                _xml_event(room, entry)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _leaf(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = xml_safe(text)


def _xml_event(room: ET.Element, entry: Entry) -> None:
    event = ET.SubElement(room, "event", guid=str(entry.item.uid), id=str(entry.number))
    for name, text in (
        ("date", entry.time.local_start.isoformat()),
        ("start", f"{entry.time.local_start:%H:%M}"),
        ("duration", entry.duration),
        ("room", entry.room),
        ("slug", entry.slug),
        ("url", absolute(entry.item.get_absolute_url())),
        ("title", entry.title),
        ("subtitle", entry.dialogue.title if isinstance(entry.item, Session) else entry.dialogue.theme),
        ("track", entry.dialogue.title),
        ("type", entry.item.get_kind_display()),
        ("language", entry.language),
        ("abstract", entry.abstract),
        ("description", ""),
    ):
        _leaf(event, name, text)
    recording = ET.SubElement(event, "recording")
    _leaf(recording, "license", "")
    _leaf(recording, "optout", "false")
    persons = ET.SubElement(event, "persons")
    for part in entry.people:
        _leaf(persons, "person", str(part.person), id=str(part.person_id))
    links = ET.SubElement(event, "links")
    for document in entry.documents:
        _leaf(links, "link", str(document), href=absolute(document.get_absolute_url()))


def _bounds(rooms: dict[str, list[Entry]]) -> tuple[datetime, datetime]:
    lines = [entry for lines in rooms.values() for entry in lines]
    first = min(lines, key=lambda entry: entry.time.starts)
    last = max(lines, key=lambda entry: entry.time.ends)
    return first.time.local_start, last.time.local_end


# JSON -------------------------------------------------------------------------------------------------------


def json(schedule: Schedule) -> dict[str, Any]:
    days = schedule.days
    rooms = dict.fromkeys(name for _day, found in days for name in found)
    return {
        "schedule": {
            "version": schedule.version,
            "base_url": settings.PORTAL_ORIGIN,
            "url": schedule.address,
            "generator": {"name": GENERATOR, "version": "1"},
            "conference": {
                "acronym": schedule.acronym,
                "title": schedule.title,
                "start": days[0][0].isoformat() if days else None,
                "end": days[-1][0].isoformat() if days else None,
                "daysCount": len(days),
                "timeslot_duration": SLOT,
                "time_zone_name": schedule.zone_name,
                "rooms": [{"name": name} for name in rooms],
                "days": [
                    {
                        "index": index,
                        "date": day.isoformat(),
                        "day_start": _bounds(found)[0].isoformat(),
                        "day_end": _bounds(found)[1].isoformat(),
                        "rooms": {name: [_json_event(entry) for entry in lines] for name, lines in found.items()},
                    }
                    for index, (day, found) in enumerate(days, 1)
                ],
            },
        }
    }


def _json_event(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.number,
        "guid": str(entry.item.uid),
        "date": entry.time.local_start.isoformat(),
        "start": f"{entry.time.local_start:%H:%M}",
        "duration": entry.duration,
        "room": entry.room,
        "slug": entry.slug,
        "url": absolute(entry.item.get_absolute_url()),
        "title": entry.title,
        "subtitle": entry.dialogue.title if isinstance(entry.item, Session) else entry.dialogue.theme,
        "track": entry.dialogue.title,
        "type": entry.item.get_kind_display(),
        "language": entry.language,
        "abstract": entry.abstract,
        "description": "",
        "recording_license": "",
        "do_not_record": False,
        "persons": [{"id": part.person_id, "public_name": str(part.person)} for part in entry.people],
        "links": [
            {"title": str(document), "url": absolute(document.get_absolute_url())} for document in entry.documents
        ],
        "attachments": [],
    }
