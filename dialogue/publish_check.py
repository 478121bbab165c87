"""What must be right before a dialogue is published, and what should be: each finding a sentence with a way to the field."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _, ngettext, pgettext

from coalition.models import Entity
from dialogue.balance import sector_of
from dialogue.models import Dialogue, Participation, Session
from dialogue.models.events import validate_time_zone
from ewaste_portal import vocabularies

BLOCK, WARN = "block", "warn"
PANEL = ("panellist", "head", "speaker")  # roles on a panel
TEXTS = ("title", "theme", "overview")
MOST_NAMED = 4


def overlap(one: Session, other: Session) -> bool:
    """Whether two sessions are on at the same time."""
    return bool(
        one.starts_at and one.ends_at and other.starts_at and other.ends_at
        and one.starts_at < other.ends_at and other.starts_at < one.ends_at
    )  # fmt: skip


def clashes_of_rooms(sessions: Iterable[Session], own_room: str) -> list[tuple[Session, Session]]:
    """Pairs at the same time in one room; a session without a room is in that of the dialogue."""
    standing = [session for session in sessions if not session.is_cancelled]
    return [
        (one, other)
        for one, other in combinations(standing, 2)
        if overlap(one, other) and (one.room or own_room) == (other.room or own_room)
    ]


def clashes_of_people(
    parts: Iterable[Participation], sessions: dict[int, Session]
) -> list[tuple[Participation, Session, Session]]:
    """People with parts in two sessions at the same time."""
    by_person: dict[int, list[Participation]] = {}
    for part in parts:
        if part.person_id and part.session_id in sessions:
            by_person.setdefault(part.person_id, []).append(part)
    found, seen = [], set()
    for rows in by_person.values():
        for one, other in combinations(rows, 2):
            first, second = sessions[one.session_id], sessions[other.session_id]  # type: ignore[index]
            key = (one.person_id, frozenset({first.pk, second.pk}))
            both = not first.is_cancelled and not second.is_cancelled and first.pk != second.pk
            if both and key not in seen and overlap(first, second):
                seen.add(key)
                found.append((one, first, second))
    return found


@dataclass(frozen=True)
class Finding:
    level: str
    text: str
    url: str

    @property
    def blocks(self) -> bool:
        return self.level == BLOCK


def check(dialogue: Dialogue, *, without: Collection[int] = ()) -> list[Finding]:
    """All findings, what blocks first; `without`: keys of sessions that are held back and so need not be right yet."""
    return sorted(_Check(dialogue, without).findings(), key=lambda finding: not finding.blocks)


def blocks(dialogue: Dialogue, *, without: Collection[int] = ()) -> list[Finding]:
    return [finding for finding in check(dialogue, without=without) if finding.blocks]


class _Check:
    """Reads everything once: the number of queries does not depend on the number of rows."""

    def __init__(self, dialogue: Dialogue, without: Collection[int]) -> None:
        self.dialogue = dialogue
        self.all_sessions = list(dialogue.sessions.select_related("letter"))  # in the order of the form
        self.sessions = [each for each in self.all_sessions if each.pk not in without and not each.is_cancelled]
        keys = {each.pk for each in self.sessions}
        self.parts = [
            part
            for part in dialogue.participations.select_related("person", "entity")
            if part.session_id is None or part.session_id in keys
        ]
        self.outputs = list(dialogue.desired_outputs.select_related("owner"))
        self.outcomes = list(dialogue.expected_outcomes.select_related("owner"))
        self.form = reverse("admin:dialogue_dialogue_change", args=[dialogue.pk])

    def findings(self) -> Iterator[Finding]:
        return chain(
            self.times(), self.rooms(), self.people_in_two_places(), self.moderator(), self.signing(), self.panel(),
            self.aims(), self.documents(), self.languages(), self.entities(),
        )  # fmt: skip

    # Where ----------------------------------------------------------------------------------------------

    def _at(self, level: str, text: str, anchor: str) -> Finding:
        return Finding(level, text, f"{self.form}#{anchor}")

    def _of(self, level: str, text: str, session: Session) -> Finding:
        return self._at(level, text, f"sessions-{self.all_sessions.index(session)}")

    def _of_parts(self, level: str, text: str) -> Finding:
        return self._at(level, text, "participations-group")

    @staticmethod
    def _title(row: Any, field: str = "title") -> str:
        return str(getattr(row, field) or getattr(row, f"{field}_en") or row.pk)

    # Rules ----------------------------------------------------------------------------------------------

    def times(self) -> Iterator[Finding]:
        dialogue = self.dialogue
        try:
            validate_time_zone(dialogue.time_zone)
        except ValidationError as error:
            yield self._at(BLOCK, " ".join(error.messages), "id_time_zone")
        if dialogue.ends_at <= dialogue.starts_at:
            yield self._at(BLOCK, _("The end must lie after the beginning."), "id_ends_at")
        for session in self.sessions:
            title = {"title": self._title(session)}
            if session.starts_at is None or session.ends_at is None:
                if dialogue.has_hours:
                    yield self._of(WARN, _("The hours of the session “%(title)s” are not known.") % title, session)
            elif session.ends_at <= session.starts_at:
                yield self._of(BLOCK, _("The session “%(title)s” ends before it begins.") % title, session)
            elif session.starts_at < dialogue.starts_at or session.ends_at > dialogue.ends_at:
                yield self._of(BLOCK, _("The session “%(title)s” is not within the dialogue.") % title, session)

    def rooms(self) -> Iterator[Finding]:
        for one, other in clashes_of_rooms(self.sessions, self.dialogue.room or ""):
            text = _("The sessions “%(one)s” and “%(other)s” are in one room at the same time.")
            yield self._of(BLOCK, text % {"one": self._title(one), "other": self._title(other)}, other)

    def people_in_two_places(self) -> Iterator[Finding]:
        for part, one, other in clashes_of_people(self.parts, {each.pk: each for each in self.sessions}):
            text = _("%(name)s has a part in “%(one)s” and in “%(other)s” at the same time.")
            facts = {"name": part.name, "one": self._title(one), "other": self._title(other)}
            yield self._of_parts(BLOCK, text % facts)

    def moderator(self) -> Iterator[Finding]:
        if not any(session.kind in {"panel", "signing-ceremony"} for session in self.sessions):
            return
        moderators = [part for part in self.parts if part.role == "moderator"]
        if not moderators:
            yield self._of_parts(WARN, _("A panel or signing ceremony has a moderator: nobody is entered."))
        if self.dialogue.moderator_reason or getattr(self.dialogue, "moderator_reason_en", ""):
            return
        for part in moderators:
            if sector_of(part) == "un" or part.is_of_the_un:
                text = _("%(name)s moderates and comes from the United Nations: write the reason for this exception.")
                yield self._at(BLOCK, text % {"name": part.name}, "id_moderator_reason_en")

    def signing(self) -> Iterator[Finding]:
        for session in self.sessions:
            if session.kind == "signing-ceremony" and (session.letter is None or session.letter.published_at is None):
                text = _("The signing ceremony “%(title)s” needs a Letter of Intent that is published.")
                yield self._of(BLOCK, text % {"title": self._title(session)}, session)
        places: dict[tuple[int | None, int], Participation] = {}
        for part in (part for part in self.parts if part.role == "signatory"):
            name = {"name": part.name}
            if part.entity is None:
                yield self._of_parts(BLOCK, _("The signatory %(name)s has no entity.") % name)
            if not part.title_then:
                yield self._of_parts(BLOCK, _("The signatory %(name)s has no title.") % name)
            other = places.setdefault((part.session_id, part.position), part)
            if not part.position:
                yield self._of_parts(BLOCK, _("The signatory %(name)s has no place in the protocol order.") % name)
            elif other is not part:
                text = _("The signatories %(one)s and %(other)s have the same place in the protocol order.")
                yield self._of_parts(BLOCK, text % {"one": other.name, "other": part.name})

    def panel(self) -> Iterator[Finding]:
        if not any(session.kind == "panel" for session in self.sessions):
            return
        sectors = {sector_of(part) for part in self.parts if part.role in PANEL}
        if "ict-manufacturer" not in sectors:
            yield self._of_parts(WARN, _("No ICT manufacturer is on the panel."))
        if "recycling-industry" not in sectors:
            yield self._of_parts(WARN, _("Nobody from the recycling industry is on the panel."))

    def aims(self) -> Iterator[Finding]:
        for rows, anchor in ((self.outputs, "desired_outputs"), (self.outcomes, "expected_outcomes")):
            for index, row in enumerate(rows):
                text = {"text": self._title(row, "text")[:80]}
                sentence = {
                    (False, False): _("“%(text)s” has neither a source nor an owner."),
                    (False, True): _("“%(text)s” has no source."),
                    (True, False): _("“%(text)s” has no owner."),
                }.get((bool(row.source_url), row.owner is not None))
                if sentence:
                    yield self._at(WARN, sentence % text, f"{anchor}-{index}")

    def documents(self) -> Iterator[Finding]:
        rows = self.dialogue.documents.select_related("resource").prefetch_related("resource__editions")
        for document in rows:
            has_language = document.language or (document.resource and document.resource.editions.all())
            if not (has_language and document.document_type):
                text = _("The document “%(title)s” needs a language and a type.")
                url = reverse("dialogue:documents", args=[self.dialogue.slug])
                yield Finding(BLOCK, text % {"title": document}, url)

    def languages(self) -> Iterator[Finding]:
        fields: dict[str, Any] = {name: Dialogue._meta.get_field(name) for name in TEXTS}
        labels = {name: capfirst(str(field.verbose_name)) for name, field in fields.items()}
        for code, language in settings.LANGUAGES:
            column = vocabularies.COLUMNS[code]
            missing = [
                labels[name]
                for name in TEXTS
                if getattr(self.dialogue, f"{name}_en") and not getattr(self.dialogue, f"{name}_{column}")
            ]
            for rows, field in ((self.sessions, "title"), (self.outputs, "text"), (self.outcomes, "text")):
                missing += [
                    f"“{self._title(row, field)[:40]}”" for row in rows if not getattr(row, f"{field}_{column}")
                ]
            if missing:
                text = ngettext(
                    "%(language)s: %(count)d text is missing (%(names)s).",
                    "%(language)s: %(count)d texts are missing (%(names)s).",
                    len(missing),
                )
                names = pgettext("separates the names of a list", ", ").join(missing[:MOST_NAMED])
                names += "…" if len(missing) > MOST_NAMED else ""
                facts = {"language": str(language), "count": len(missing), "names": names}
                yield self._at(WARN, text % facts, f"id_title_{column}")

    def entities(self) -> Iterator[Finding]:
        named = {part.entity_id for part in self.parts} | {row.owner_id for row in [*self.outputs, *self.outcomes]}
        named |= set(self.dialogue.organizers.values_list("pk", flat=True))
        for entity in Entity.objects.filter(pk__in=named - {None}).exclude(pk__in=Entity.objects.public().values("pk")):
            text = _("“%(name)s” has no public page: check or merge it first.")
            yield Finding(WARN, text % {"name": entity}, reverse("admin:coalition_entity_change", args=[entity.pk]))
