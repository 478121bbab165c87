"""The programme as pages, prints and files tell it: sessions by day then time, and who has a part in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.utils import timezone
from django.utils.translation import get_language

from dialogue.models import Dialogue, Participation, Session
from dialogue.querysets import ParticipationQuerySet, SessionQuerySet
from dialogue.times import When, day_words, when
from ewaste_portal import vocabularies

MOST_NAMES = 6  # of a session, in an agenda
LONG = 60  # sessions; in a longer agenda entities stand on the page of the session alone


@dataclass(frozen=True)
class Role:
    """Those who have one role in a session or dialogue, in protocol order."""

    code: str
    parts: Sequence[Participation]

    @property
    def label(self) -> str:
        return vocabularies.label("participation_role", self.code)


def by_role(parts: Iterable[Participation], *, limit: int | None = None) -> list[Role]:
    """The roles in the order in which the protocol first names them; at most `limit` people in all."""
    rows = list(parts)[:limit]
    codes = dict.fromkeys(part.role for part in rows)
    return [Role(code, [part for part in rows if part.role == code]) for code in codes]


@dataclass
class Item:
    """A session in an agenda."""

    session: Session
    when: When | None
    parts: list[Participation] = field(default_factory=list)
    document_count: int = 0
    has_entities: bool = True
    other_zone: str = ""  # the zone's words, where the clocks changed since the dialogue began

    @property
    def roles(self) -> list[Role]:
        return by_role(self.parts, limit=len(self.parts) - self.unnamed)

    @property
    def all_roles(self) -> list[Role]:
        return by_role(self.parts)

    @property
    def unnamed(self) -> int:
        """How many are left out; never one alone, whose name takes no more room than the words that say so."""
        more = len(self.parts) - MOST_NAMES
        return more if more > 1 else 0

    @property
    def is_live(self) -> bool:
        """Of sessions with hours alone: nobody knows when the others are."""
        return self.when is not None and self.session.phase() == "live"


@dataclass(frozen=True)
class Day:
    """The sessions of a day; `day` is None for those whose hours nobody knows."""

    day: date | None
    items: Sequence[Item]

    @property
    def words(self) -> str:
        return day_words(self.day) if self.day else ""

    @property
    def anchor(self) -> str:
        return f"day-{self.day}" if self.day else "no-hours"


def sessions_of(dialogue: Dialogue, *, with_drafts: bool = False) -> SessionQuerySet:
    """In order; with those held back for staff alone."""
    rows = Session.objects.filter(dialogue=dialogue)
    return (rows if with_drafts else rows.public()).in_order()


def parts_of(dialogue: Dialogue, *, with_drafts: bool = False) -> ParticipationQuerySet:
    """All parts in a dialogue and its sessions, in protocol order."""
    rows = Participation.objects.filter(dialogue=dialogue)
    return (rows if with_drafts else rows.public()).select_related("person", "entity").order_by("position", "pk")


def light(parts: ParticipationQuerySet) -> ParticipationQuerySet:
    """Only the columns that a list of names shows; an entity has a hundred others."""
    column = vocabularies.COLUMNS[get_language() or "en"]
    return parts.only(
        "dialogue_id", "session_id", "role", "position", "sector", "title_then", "entity_then", "on_behalf_of",
        "is_reported", "source_url", "person__name", "person__slug", "entity__slug", "entity__kind",
        "entity__official_name_en", f"entity__official_name_{column}",
    )  # fmt: skip


def items(
    dialogue: Dialogue, sessions: Iterable[Session], parts: Iterable[Participation], documents: dict[int | None, int]
) -> list[Item]:
    """Joins rows that were loaded before; no query. `documents`: how many each session has."""
    found = {}
    offset = dialogue.starts_at.astimezone(dialogue.zone).utcoffset()
    for session in sessions:
        session.dialogue = dialogue
        item = found[session.pk] = Item(session, when(session), document_count=documents.get(session.pk, 0))
        if item.when and {item.when.local_start.utcoffset(), item.when.local_end.utcoffset()} != {offset}:
            item.other_zone = item.when.zone_name
    for part in parts:
        if part.session_id in found:
            found[part.session_id].parts.append(part)
    for item in found.values():
        item.has_entities = len(found) <= LONG
    return list(found.values())


def days(rows: Iterable[Item]) -> list[Day]:
    """By the day of the event's own time; those without hours last."""
    grouped = groupby(rows, key=lambda item: item.when.first_day if item.when else None)
    return [Day(day, list(group)) for day, group in grouped]


def now_or_next(rows: Sequence[Item]) -> Item | None:
    """What is on, else what comes next; None before and after the day of the dialogue."""
    now = timezone.now()
    timed = [item for item in rows if item.when and not item.session.is_cancelled]
    if not timed or timed[0].session.dialogue.phase(now) != "live":
        return None
    return next((item for item in timed if item.when and item.when.ends > now), None)
