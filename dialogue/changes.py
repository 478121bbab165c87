"""What changed after publication: noticed by comparing what the public saw before and after, said in the reader's words.

`Change.before` and `Change.after` hold the values as text:

- time: `begin/end zone`, instants in UTC, and `day` behind it where only the day is known; empty where nothing was known
- place, title: the text in each language as a JSON object; a room as it is written; a way of meeting as its code
- status: the code; of a session `published`, its time behind it, or `cancelled`; empty where it was not in the programme
- people: name, entity, role and session as a JSON object
- documents: the uid

What concerns the dialogue itself has no `subject`; else this is the session's title or the name, as it was.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language, get_language_bidi, gettext as _, override, pgettext

from dialogue.models import Change, Dialogue, Document, Participation, Session
from dialogue.times import When, instant_words
from ewaste_portal import vocabularies

if TYPE_CHECKING:
    from ewaste_portal.models import User

What = Change.What
Texts = dict[str, str]  # a text by language
RAISING = (What.PUBLISHED, What.TIME, What.PLACE, What.STATUS)  # of a dialogue itself: its SEQUENCE rises with them


# What the public sees -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeenSession:
    title: Texts
    is_cancelled: bool
    time: tuple[datetime, datetime] | None
    room: str


@dataclass(frozen=True)
class SeenPart:
    role: str
    name: str
    entity: str
    session: int | None


@dataclass(frozen=True)
class Snapshot:
    """A published dialogue as the public sees it at one instant."""

    sequence: int
    status: str
    time: tuple[datetime, datetime]
    zone: str
    has_hours: bool
    mode: str
    place: Texts
    title: Texts
    sessions: dict[int, SeenSession] = field(default_factory=dict)
    parts: dict[int, SeenPart] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)  # titles by uid

    @property
    def interval(self) -> str:
        return _interval(self.time, self.zone, has_hours=self.has_hours)


def snapshot(dialogue: Dialogue) -> Snapshot | None:
    """As it stands in the database now, whatever the object at hand says; None of a draft. Four queries."""
    with override("en"):
        return _snapshot(dialogue.pk)


def _snapshot(number: int) -> Snapshot | None:
    row = Dialogue.objects.public().filter(pk=number).first()
    if row is None:
        return None
    return Snapshot(
        sequence=row.sequence,
        status=row.status,
        time=(row.starts_at, row.ends_at),
        zone=row.time_zone,
        has_hours=row.has_hours,
        mode=row.mode,
        place=_texts(row, "room", "venue", "place"),
        title=_texts(row, "title"),
        sessions={
            session.pk: SeenSession(
                title=_texts(session, "title"),
                is_cancelled=session.is_cancelled,
                time=(session.starts_at, session.ends_at) if session.starts_at and session.ends_at else None,
                room=session.room,
            )
            for session in Session.objects.public().filter(dialogue=row).in_order()
        },
        parts={
            part.pk: SeenPart(role=part.role, name=part.name, entity=part.entity_name, session=part.session_id)
            for part in Participation.objects.public().filter(dialogue=row).select_related("person", "entity")
        },
        documents={
            str(document.uid): _title_of(document)
            for document in Document.objects.public().filter(dialogue=row).select_related("resource")
        },
    )


def _texts(row: Any, *fields: str) -> Texts:
    """The fields of a row in each language that has one of them, joined by commas."""
    found = {}
    for language, column in vocabularies.COLUMNS.items():
        values = [getattr(row, f"{name}_{column}") for name in fields]
        if any(values):
            found[language] = ", ".join(filter(None, values))
    return found


def _title_of(document: Document) -> str:
    return str(getattr(document, "title_en", "") or (document.resource.original_title if document.resource else ""))


def _interval(time: tuple[datetime, datetime] | None, zone: str, *, has_hours: bool = True) -> str:
    if time is None:
        return ""
    begin, end = (instant.astimezone(UTC).isoformat() for instant in time)
    return f"{begin}/{end} {zone}" + ("" if has_hours else " day")


# What is noticed ------------------------------------------------------------------------------------------


@contextmanager
def recorded(dialogue: Dialogue, *, by: "User | None", note: str = "") -> Iterator[None]:
    """Around whatever changes a dialogue or something of it: notes what the public sees differently afterwards."""
    with transaction.atomic():
        Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=dialogue.pk)
        before = snapshot(dialogue)
        yield
        record(dialogue, before, by=by, note=note)


def record(dialogue: Dialogue, before: Snapshot | None, *, by: "User | None", note: str = "") -> list[Change]:
    """The differences to `before`, and those who registered are told; nothing of a draft. Call it in a transaction."""
    after = snapshot(dialogue)
    if after is None:
        return []
    now = timezone.now()
    if before is None:  # nobody has registered for a draft
        first = Change(dialogue=dialogue, what=What.PUBLISHED, sequence=after.sequence, at=now, by=by, mailed_at=now)
        return Change.objects.bulk_create([first])
    rows = list(_differences(before, after))
    for change in rows:
        change.dialogue, change.by, change.at, change.sequence = dialogue, by, now, after.sequence
        if not change.subject and change.what in {What.STATUS, What.TIME}:
            change.note = note
    created = Change.objects.bulk_create(rows)
    if created:
        from dialogue import notifying  # noqa: PLC0415  which says changes in the words of this module

        notifying.schedule(dialogue, at_once=any(not row.subject for row in created))
    return created


def _differences(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    moved = before.interval != after.interval
    says_it_already = moved and (before.status, after.status) == ("confirmed", "rescheduled")
    if before.status != after.status and not says_it_already:
        yield Change(what=What.STATUS, before=before.status, after=after.status)
    if moved:
        yield Change(what=What.TIME, before=before.interval, after=after.interval)
    if _reads_differently(before.place, after.place):
        yield Change(what=What.PLACE, before=_dump(before.place), after=_dump(after.place))
    if before.mode != after.mode:
        yield Change(what=What.PLACE, before=before.mode, after=after.mode)
    if _reads_differently(before.title, after.title):
        yield Change(what=What.TITLE, before=_dump(before.title), after=_dump(after.title))
    yield from _differences_of_sessions(before, after)
    yield from _differences_of_parts(before, after)
    yield from _differences_of_documents(before, after)


def _reads_differently(before: Texts, after: Texts) -> bool:
    """Another translation alone is no change."""
    return before.get("en", "") != after.get("en", "") or any(
        after.get(language, text) != text for language, text in before.items()
    )


def _differences_of_sessions(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    keys = list(before.sessions | after.sessions)
    there = set(Session.objects.filter(pk__in=keys).values_list("pk", flat=True))

    def of(what: str, was: str, now: str) -> Change:
        return Change(session_id=key if key in there else None, what=what, subject=subject, before=was, after=now)

    for key in keys:
        was, now = before.sessions.get(key), after.sessions.get(key)
        seen = was or now
        subject = _first(seen.title)[:300] if seen else ""
        if was is None or now is None or was.is_cancelled != now.is_cancelled:
            yield of(What.SESSION, _presence(was, before.zone), _presence(now, after.zone))
        if was is None or now is None:
            continue
        if not _moved_along(was, now, before, after):
            yield of(What.TIME, _interval(was.time, before.zone), _interval(now.time, after.zone))
        if was.room != now.room:
            yield of(What.PLACE, was.room, now.room)
        if _reads_differently(was.title, now.title):
            yield of(What.TITLE, _dump(was.title), _dump(now.title))


def _presence(seen: SeenSession | None, zone: str) -> str:
    if seen is None:
        return ""
    return "cancelled" if seen.is_cancelled else f"published {_interval(seen.time, zone)}".strip()


def _moved_along(was: SeenSession, now: SeenSession, before: Snapshot, after: Snapshot) -> bool:
    """Whether a session is where it was, or moved with its dialogue, so that nobody need read it twice."""
    if was.time == now.time and before.zone == after.zone:
        return True
    if was.time is None or now.time is None:
        return was.time == now.time
    since = [_local(each, before.zone) - _local(before.time[0], before.zone) for each in was.time]
    then = [_local(each, after.zone) - _local(after.time[0], after.zone) for each in now.time]
    return since == then and before.interval != after.interval


def _local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _differences_of_parts(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Somebody for somebody else in the same role and session is one change."""
    gone = [part for key, part in before.parts.items() if after.parts.get(key) != part]
    come = [part for key, part in after.parts.items() if before.parts.get(key) != part]
    same = [part for part in gone if part in come]  # entered anew, such as with another title
    gone, come = ([part for part in parts if part not in same] for parts in (gone, come))
    # with their session the people came and went: the session's own line says so
    gone = [part for part in gone if part.session is None or part.session in after.sessions]
    come = [part for part in come if part.session is None or part.session in before.sessions]
    titles = {key: _first(session.title) for key, session in (before.sessions | after.sessions).items()}
    for part in come:
        replaced = next((old for old in gone if (old.role, old.session) == (part.role, part.session)), None)
        if replaced:
            gone.remove(replaced)
        yield _of_part(part, titles, before=replaced, after=part)
    for part in gone:
        yield _of_part(part, titles, before=part, after=None)


def _of_part(part: SeenPart, titles: dict[int, str], *, before: SeenPart | None, after: SeenPart | None) -> Change:
    title = titles.get(part.session, "") if part.session else ""

    def told(seen: SeenPart | None) -> str:
        if seen is None:
            return ""
        return json.dumps(
            {"name": seen.name, "entity": seen.entity, "role": seen.role, "session": title}, ensure_ascii=False
        )

    return Change(
        session_id=part.session, what=What.PEOPLE, subject=part.name[:300], before=told(before), after=told(after)
    )


def _differences_of_documents(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    for uid in after.documents.keys() - before.documents.keys():
        yield Change(what=What.DOCUMENT, subject=after.documents[uid][:300], after=uid)
    for uid in before.documents.keys() - after.documents.keys():
        yield Change(what=What.DOCUMENT, subject=before.documents[uid][:300], before=uid)


def _dump(texts: Texts) -> str:
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _first(texts: Texts) -> str:
    return texts.get("en") or next(iter(texts.values()), "")


# Which ------------------------------------------------------------------------------------------------------


def public() -> "QuerySet[Change]":
    return Change.objects.exclude(dialogue__status=Dialogue.Status.DRAFT).select_related("session")


def since(changes: "QuerySet[Change]", sequence: int) -> "QuerySet[Change]":
    """What somebody may not know who has the dialogue in his or her calendar with this SEQUENCE.

    What does not raise the SEQUENCE, such as people and papers, is told where it may have come later.
    """
    known = Q(subject="", what__in=RAISING) | Q(sequence__lt=sequence)
    return changes.filter(Q(sequence__gt=sequence) | ~known)


# In words -----------------------------------------------------------------------------------------------------


def words(change: Change) -> str:
    """A change as a sentence in the active language, times in the event's own zone. No query with `public()` rows."""
    if change.what == What.PUBLISHED:
        return _("The dialogue was published.")
    if change.what == What.PEOPLE:
        return _words_of_people(change)
    if change.what == What.DOCUMENT:
        sentence = _("The document “%(title)s” was published.")
        if not change.after:
            sentence = _("The document “%(title)s” was taken back.")
        return sentence % {"title": name(change.subject)}
    if change.what == What.OUTCOME:
        return _("“%(text)s”: %(status)s.") % {
            "text": name(change.subject),
            "status": vocabularies.label("outcome_status", change.after),
        }
    return _words_of_session(change) if change.subject else _words_of_dialogue(change)


def note_of(change: Change) -> str:
    """Why, in the reader's language where it is still what the dialogue says today."""
    dialogue = change.dialogue
    if change.note and change.note == getattr(dialogue, "status_note_en", ""):
        return dialogue.status_note or change.note
    return change.note


def name(text: str) -> str:
    """A name or title in a sentence: kept together where the sentence runs from right to left."""
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if get_language_bidi() else text


def _words_of_dialogue(change: Change) -> str:
    if change.what == What.STATUS:
        if change.after == "cancelled":
            return _("The dialogue was cancelled.")
        return (
            _("The dialogue takes place after all.") if change.before == "cancelled" else _("The dialogue was moved.")
        )
    if change.what == What.TIME:
        before, after = (_when(text, change) for text in (change.before, change.after))
        if before is None or after is None:
            return _("The time was changed.")
        if before.starts == after.starts and before.hours and before.days == after.days:
            return _("The dialogue ends at %(after)s, not at %(before)s (%(zone)s).") % {
                "before": f"{before.local_end:%H:%M}",
                "after": f"{after.local_end:%H:%M}",
                "zone": after.zone_name,
            }
        return _("The dialogue was moved from %(before)s to %(after)s.") % {
            "before": before.words,
            "after": after.words,
        }
    if change.what == What.TITLE:
        return _("The title is now “%(after)s”; it was “%(before)s”.") % _both(change)
    if change.what == What.PLACE and {change.before, change.after} <= set(vocabularies.codes("dialogue_mode")):
        return _("The way of meeting is now “%(after)s”; it was “%(before)s”.") % {
            "before": vocabularies.label("dialogue_mode", change.before),
            "after": vocabularies.label("dialogue_mode", change.after),
        }
    if not change.before:
        return _("The place is now known: %(after)s.") % _both(change)
    if not change.after:
        return _("The place is no longer known; it was %(before)s.") % _both(change)
    return _("The place is now %(after)s; it was %(before)s.") % _both(change)


def _words_of_session(change: Change) -> str:
    title = name(_localized(change.session, change.subject))
    if change.what == What.SESSION:
        return _presence_words(change, title)
    if change.what == What.TITLE:
        return _("The session “%(before)s” is now called “%(after)s”.") % _both(change)
    if change.what == What.TIME:
        return _time_words(change, title)
    if not change.after:
        sentence = _("The session “%(title)s” is now in the room of the dialogue; it was in %(before)s.")
    elif not change.before:
        sentence = _("The session “%(title)s” is now in %(after)s.")
    else:
        sentence = _("The session “%(title)s” is now in %(after)s; it was in %(before)s.")
    return sentence % {"title": title, "before": name(change.before), "after": name(change.after)}


def _presence_words(change: Change, title: str) -> str:
    begins = _when(change.after.partition(" ")[2], change)
    if change.after == "cancelled":
        sentence = _("The session “%(title)s” was cancelled.")
    elif not change.after:
        sentence = _("The session “%(title)s” is no longer in the programme.")
    elif change.before:
        sentence = _("The session “%(title)s” takes place after all.")
    elif begins is None:
        sentence = _("The session “%(title)s” is new in the programme.")
    else:
        sentence = _("The session “%(title)s” is new in the programme: %(when)s.")
    return sentence % {"title": title, "when": begins.words if begins else ""}


def _time_words(change: Change, title: str) -> str:
    before, after = (_when(text, change) for text in (change.before, change.after))
    if after is None:
        return _("The hours of the session “%(title)s” are no longer known.") % {"title": title}
    if before is None:
        return _("The hours of the session “%(title)s” are now known: %(after)s.") % {
            "title": title,
            "after": after.words,
        }
    if (before.days, before.zone_name) != (after.days, after.zone_name):
        return _("The session “%(title)s” was moved from %(before)s to %(after)s.") % {
            "title": title,
            "before": before.words,
            "after": after.words,
        }
    if before.starts == after.starts:
        sentence = _("The session “%(title)s” ends at %(after)s, not at %(before)s (%(zone)s).")
        clocks = before.local_end, after.local_end
    else:
        sentence = _("The session “%(title)s” was moved from %(before)s to %(after)s (%(zone)s).")
        clocks = before.local_start, after.local_start
    old, new = (f"{clock:%H:%M}" for clock in clocks)
    return sentence % {"title": title, "before": old, "after": new, "zone": after.zone_name}


def _words_of_people(change: Change) -> str:
    before, after = (json.loads(text) if text else None for text in (change.before, change.after))
    told = after or before or {}
    role = vocabularies.label("participation_role", told.get("role", ""))
    if before and after:
        sentence = _("%(after)s takes the place of %(before)s (%(role)s).") % {
            "after": _with_entity(after),
            "before": _with_entity(before),
            "role": role,
        }
    elif after:
        sentence = _("%(name)s takes part (%(role)s).") % {"name": _with_entity(after), "role": role}
    else:
        sentence = _("%(name)s no longer takes part (%(role)s).") % {"name": _with_entity(told), "role": role}
    title = told.get("session")
    if not title:
        return sentence
    return pgettext("a change in a session", "Session “%(title)s”: %(sentence)s") % {
        "title": name(_localized(change.session, title)),
        "sentence": sentence,
    }


def _with_entity(part: dict[str, str]) -> str:
    if not part["entity"] or part["entity"] == part["name"]:
        return name(part["name"])
    return pgettext("name, entity", "%(name)s, %(entity)s") % {
        "name": name(part["name"]),
        "entity": name(part["entity"]),
    }


def _localized(session: Session | None, title: str) -> str:
    """A session's title of then; in the reader's language while the session is still called so."""
    if session is not None and (getattr(session, "title_en", "") or "")[:300] == title:
        return session.title or title
    return title


def _both(change: Change) -> dict[str, str]:
    return {"before": name(_read(change.before)), "after": name(_read(change.after))}


def _read(text: str) -> str:
    """In the reader's language, else in English, else as it is."""
    texts = json.loads(text) if text.startswith("{") else {}
    return texts.get(get_language() or "en") or _first(texts) or ("" if texts else text)


def _when(text: str, change: Change) -> When | None:
    """Of `begin/end zone`; None where no time was known."""
    if not text:
        return None
    instants, zone, *day = text.split(" ")
    begin, end = (datetime.fromisoformat(instant) for instant in instants.split("/"))
    place = change.dialogue.place if change.dialogue.time_zone == zone else ""
    return When(begin, end, ZoneInfo(zone), place, not day)


def told(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """For templates: each change with its words, its note and the words of its instant."""
    return [
        {
            "change": change,
            "words": words(change),
            "note": note_of(change),
            "at": instant_words(change.at, change.dialogue.zone, change.dialogue.place),
        }
        for change in changes
    ]
