"""The board of a signing ceremony: who is expected, who has signed. It reads the one table of signatures.

A signature shows on the wall at once for an entity that was announced as expected; its signer's name, its code and every
other signature only when they are listed (countersigned, or recorded from sources).
"""

import threading
import time
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import get_language

from coalition import signatories
from coalition.models import Entity, Signature
from dialogue.models import Dialogue, Participation, Session
from ewaste_portal import vocabularies

FRESH = 0.4  # seconds for which a process believes the version it read
MOST_REMEMBERED = 256

VERSION = """
    SELECT concat_ws('-', d.sequence, floor(extract(epoch FROM max(s.modified_at)) * 1000)::bigint, count(g.id), max(g.id),
        count(g.countersigned_at), count(*) FILTER (WHERE g.certificate_sha256 <> ''), count(DISTINCT p.id))
    FROM dialogue_dialogue d
    JOIN dialogue_session s ON s.dialogue_id = d.id
    LEFT JOIN coalition_signature g ON g.letter_id = s.letter_id AND g.is_example = d.is_example
    LEFT JOIN dialogue_participation p ON p.session_id = s.id AND p.role = 'signatory'
    WHERE s.id IN ({ceremonies})
    GROUP BY d.id
"""

_known: dict[str, tuple[float, str]] = {}
_reading = threading.Lock()


def version(slug: str) -> str | None:
    """Changes whenever the board of a public dialogue does; None if it has no signing ceremony.

    However many watch: a process asks the database at most once in FRESH seconds, and no watcher waits for another's answer.
    """
    found = _known.get(slug)
    now = time.monotonic()
    if found and now - found[0] < FRESH:
        return found[1]
    if found and not _reading.acquire(blocking=False):
        return found[1]
    if not found:
        _reading.acquire()
    try:
        public = Session.objects.public().filter(dialogue__slug=slug, kind="signing-ceremony")
        ceremonies, values = public.order_by().values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(VERSION.format(ceremonies=ceremonies), values)
            row = cursor.fetchone()
        if row is None:
            _known.pop(slug, None)
            return None
        if len(_known) >= MOST_REMEMBERED:
            _known.clear()
        _known[slug] = (now, str(row[0]))
        return str(row[0])
    finally:
        _reading.release()


@dataclass(frozen=True)
class Place:
    """A line of the board: an entity that is expected or has signed."""

    entity: Entity | None
    part: Participation | None
    signature: Signature | None
    later: tuple[Signature, ...] = ()

    @property
    def entity_name(self) -> str:
        if self.entity is None:
            return self.part.entity_name if self.part else ""
        return self.entity.official_name

    @property
    def entity_then(self) -> str:
        """The name of then, where it is another one today."""
        then = self.signature.entity_name if self.signature else self.part.entity_name if self.part else ""
        return then if self.entity is not None and then not in _names(self.entity) else ""

    @property
    def has_signed(self) -> bool:
        return self.signature is not None

    @property
    def is_listed(self) -> bool:
        """Countersigned or recorded: its details are public."""
        return self.signature is not None and (
            self.signature.method == Signature.Method.HISTORICAL or self.signature.countersigned_at is not None
        )

    @property
    def state(self) -> str:
        """`expected`, `signed` (to be countersigned), `listed` or `withdrawn`."""
        if any(signature.kind == "withdrawal" for signature in self.later):
            return "withdrawn"
        return "listed" if self.is_listed else "signed" if self.has_signed else "expected"


def _names(entity: Entity) -> set[str]:
    return {getattr(entity, f"official_name_{column}") or "" for column in vocabularies.COLUMNS.values()}


@dataclass(frozen=True)
class Board:
    session: Session
    places: tuple[Place, ...]

    @property
    def signed_count(self) -> int:
        return sum(place.has_signed for place in self.places)

    @property
    def expected_count(self) -> int:
        return len(self.places)


def ceremonies(dialogue: Dialogue) -> list[Session]:
    """Its signing ceremonies that are public, with what the board needs of them; one query."""
    sessions = Session.objects.exclude(state="draft").filter(dialogue=dialogue, kind="signing-ceremony")
    return list(sessions.select_related("letter", "dialogue").in_order())


def boards(dialogue: Dialogue) -> list[Board]:
    """One for each signing ceremony; four queries, however many entities sign."""
    sessions = ceremonies(dialogue)
    parts: dict[int | None, list[Participation]] = {}
    for part in Participation.objects.filter(session__in=sessions, role="signatory").for_listing():
        parts.setdefault(part.session_id, []).append(part)
    letters = [session.letter_id for session in sessions]
    rows = (
        Signature.objects.filter(letter__in=letters, is_example=dialogue.is_example)
        .defer("evidence", "private")
        .select_related("entity", "membership")
        .order_by("signed_on", "pk")
    )
    first: dict[int, dict[int, Signature]] = {}
    later: dict[int, list[Signature]] = {}
    for signature in rows:
        signed = first.setdefault(signature.letter_id, {})
        entity = signature.entity.merged_into_id or signature.entity_id
        if entity in signed:
            later.setdefault(signed[entity].pk, []).append(signature)
        elif signature.kind != "withdrawal":
            signed[entity] = signature
    return [
        Board(session, tuple(_places(parts.get(session.pk, []), dict(first.get(session.letter_id or 0, {})), later)))
        for session in sessions
    ]


def _places(parts: list[Participation], signed: dict[int, Signature], later: dict[int, list[Signature]]) -> list[Place]:
    """Those expected in protocol order; then others whose signature is listed, by name."""
    found, seen = [], set()
    for part in parts:
        signature = signed.pop(part.entity_id, None) if part.entity_id else None
        if part.entity_id in seen:  # two people for one entity make one place
            continue
        seen.add(part.entity_id)
        found.append(_place(part.entity, part, signature, later))
    others = [_place(signature.entity, None, signature, later) for signature in signed.values()]
    language = get_language() or "en"
    listed = [place for place in others if place.is_listed]
    return [*found, *sorted(listed, key=lambda place: signatories.order_key(place.entity_name, language))]


def _place(
    entity: Entity | None, part: Participation | None, signature: Signature | None, later: dict[int, list[Signature]]
) -> Place:
    return Place(entity, part, signature, tuple(later.get(signature.pk, ())) if signature else ())
