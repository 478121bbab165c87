"""Reads dialogues from TOML files: those that ship with the portal, and those made up for the demonstration.

A file describes one dialogue; texts are tables with a key for each language. Times are the event's own.
"""

import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from coalition.models import Entity, Letter
from dialogue.models import (
    DesiredOutput,
    Dialogue,
    Document,
    ExpectedOutcome,
    OutcomeUpdate,
    Participation,
    Person,
    Question,
    Session,
)
from ewaste_portal import vocabularies
from ewaste_portal.models import User
from knowledge.models import Resource

DATA = Path(__file__).parent / "data"
TEXTS = ("title", "theme", "overview", "place", "venue", "room", "host_event")
FACTS = (
    "slug", "kind", "precision", "time_zone", "mode", "host_event_url", "host_session_number", "working_languages",
    "interpretation", "is_captioned", "webcast_url", "recording_url", "source_url", "source_name", "is_example",
    "capacity_on_site", "capacity_online",
)  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def in_languages(row: dict[str, Any], *fields: str) -> dict[str, str]:
    """Columns of the translated fields that the row has."""
    return {
        f"{field}_{vocabularies.COLUMNS[code]}": text.strip()
        for field in fields
        for code, text in row.get(field, {}).items()
    }


def load_people(path: Path, *, is_example: bool = False) -> int:
    """Adds the people who are not there yet; how many."""
    return sum(
        Person.objects.get_or_create(slug=slug, defaults={"name": name, "is_example": is_example})[1]
        for slug, name in read(path).items()
    )


def instant(value: str, zone: ZoneInfo) -> datetime:
    """Of the event's own time, such as 2018-03-21T13:30; a day is its midnight."""
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=zone)


class Loader:
    """Adds dialogues that are not there yet; needs entities, letters and resources, and says what it misses."""

    def __init__(self, *, by: User) -> None:
        self.by = by
        self.missing: list[str] = []
        self.entities = {entity.slug: entity for entity in Entity.objects.filter(merged_into__isnull=True)}
        self.people = {person.slug: person for person in Person.objects.all()}
        self.letters = {letter.version: letter for letter in Letter.objects.published()}

    def load(self, paths: Iterable[Path]) -> int:
        """In one transaction. How many dialogues it created; updates that name other dialogues come last."""
        rows = [row for row in map(read, paths) if not Dialogue.objects.filter(slug=row["slug"]).exists()]
        with transaction.atomic():
            dialogues = [(self.dialogue(row), row) for row in rows]
            for dialogue, row in dialogues:
                self.aims(dialogue, row)
        return len(rows)

    def dialogue(self, row: dict[str, Any]) -> Dialogue:
        zone = ZoneInfo(row["time_zone"])
        starts_at = instant(row["starts"], zone)
        if row.get("precision") == "day":
            after = date.fromisoformat(row.get("ends", row["starts"])) + timedelta(days=1)
            ends_at = datetime.combine(after, time(), zone)
        else:
            ends_at = instant(row["ends"], zone)
        moments = {
            name: instant(row[name], zone)
            for name in ("registration_opens_at", "registration_closes_at", "questions_open_at", "questions_close_at")
            if name in row
        }
        dialogue = Dialogue.objects.create(
            starts_at=starts_at, ends_at=ends_at, status=Dialogue.Status.CONFIRMED, published_at=timezone.now(),
            published_by=self.by, country_id=row.get("country"), letter=self.letter(row.get("letter")), **moments,
            **{name: row[name] for name in FACTS if name in row}, **in_languages(row, *TEXTS),
        )  # fmt: skip
        if "follows" in row:
            Dialogue.objects.filter(pk=dialogue.pk).update(follows=Dialogue.objects.get(slug=row["follows"]))
        dialogue.organizers.set(filter(None, map(self.entity, row.get("organizers", []))))
        self.parts(dialogue, None, row)
        for position, item in enumerate(row.get("sessions", []), 1):
            self.session(dialogue, item, position, zone)
        for position, item in enumerate(row.get("questions", []), 1):
            Question.objects.create(
                dialogue=dialogue, position=position, state="published", published_at=timezone.now(),
                moderated_at=timezone.now(), moderated_by=self.by.email, **in_languages(item, "text"),
            )  # fmt: skip
        for position, item in enumerate(row.get("documents", []), 1):
            resource = self.resource(item["resource"])
            if resource:
                Document.objects.create(
                    dialogue=dialogue, position=position, document_type=item["document_type"], resource=resource
                )
        return dialogue

    def session(self, dialogue: Dialogue, row: dict[str, Any], position: int, zone: ZoneInfo) -> None:
        session = Session.objects.create(
            dialogue=dialogue, position=position, state=Session.State.PUBLISHED, slug=row["slug"], kind=row["kind"],
            starts_at=instant(row["starts"], zone) if "starts" in row else None,
            ends_at=instant(row["ends"], zone) if "ends" in row else None,
            room=row.get("room", ""), letter=self.letter(row.get("letter")), **in_languages(row, "title", "summary"),
        )  # fmt: skip
        self.parts(dialogue, session, row)

    def parts(self, dialogue: Dialogue, session: Session | None, row: dict[str, Any]) -> None:
        for position, item in enumerate(row.get("participations", []), 1):
            person = self.people.get(item["person"]) if "person" in item else None
            entity = self.entity(item["entity"]) if "entity" in item else None
            if person is None and entity is None:
                self.missing.append(f"{dialogue.slug}: {item}")
                continue
            reported = item.get("is_reported", False)
            Participation.objects.create(
                dialogue=dialogue, session=session, person=person, entity=entity, position=position, role=item["role"],
                title_then=item.get("title_then", ""), entity_then=item.get("entity_then", ""),
                sector=item.get("sector", ""), minutes=item.get("minutes"), is_reported=reported,
                source_url=item.get("source_url", dialogue.source_url if reported else ""), frozen_at=timezone.now(),
            )  # fmt: skip

    def aims(self, dialogue: Dialogue, row: dict[str, Any]) -> None:
        models: tuple[tuple[str, type[DesiredOutput] | type[ExpectedOutcome], str], ...] = (
            ("desired_outputs", DesiredOutput, "desired_output"),
            ("expected_outcomes", ExpectedOutcome, "expected_outcome"),
        )
        for name, model, field in models:
            for position, item in enumerate(row.get(name, []), 1):
                aim = model._default_manager.create(  # type: ignore[misc]  # the two have this field, their base has not
                    dialogue=dialogue, position=position, source_url=item.get("source_url", ""),
                    owner=self.entity(item["owner"]) if "owner" in item else None, due_on=item.get("due_on"),
                    **in_languages(item, "text"),
                )  # fmt: skip
                for update in item.get("updates", []):
                    OutcomeUpdate.objects.create(
                        **{field: aim}, on=update["on"], status=update["status"], created_by=self.by,
                        resource=self.resource(update["resource"]) if "resource" in update else None,
                        evidence_dialogue=Dialogue.objects.filter(slug=update.get("evidence_dialogue", "")).first(),
                        entity=self.entity(update["entity"]) if "entity" in update else None,
                        evidence_url=update.get("evidence_url", ""), evidence_name=update.get("evidence_name", ""),
                        **in_languages(update, "note"),
                    )  # fmt: skip

    def entity(self, slug: str) -> Entity | None:
        return self._noted(self.entities.get(slug), slug)

    def letter(self, version: str | None) -> Letter | None:
        return self._noted(self.letters.get(version), version) if version else None

    def resource(self, slug: str) -> Resource | None:
        return self._noted(Resource.objects.published().filter(slug=slug).first(), slug)

    def _noted(self, found: Any, name: str) -> Any:
        if found is None:
            self.missing.append(name)
        return found
