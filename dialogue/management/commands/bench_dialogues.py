"""`manage.py bench_dialogues`: measures the pages and files of dialogues against their budgets, on made-up rows.

In a scratch database of its own beside that of `manage.py bench` (see there); nothing stays in it.
"""

import gzip
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.test import Client
from django.utils import timezone

from coalition.models import Entity
from dialogue.models import Dialogue, ExpectedOutcome, OutcomeUpdate, Participation, Person, Question, Session
from ewaste_portal.models import User
from knowledge.management.commands.bench import Timing, ask, connect

BAR_MS = 100  # p95
SIZES = ((40, 60, 6, 15.0), (200, 400, 8, 25.0))  # sessions, people, most statements, most kB of HTML compressed
PAGES = (
    "", "agenda/", "sessions/session-1/", "people/", "outputs-and-outcomes/", "questions/", "changes/", "full/",
    "calendar.ics?sessions=all", "schedule.xml", "schedule.json", "dialogue.json", "agenda.txt",
)  # fmt: skip
FILES = PAGES[8:]
MOST_OF_A_FILE = 4  # statements


def made_up(sessions: int, people: int) -> Dialogue:
    """A dialogue of two days in four rooms, with people in each session, and what was asked and promised."""
    by = User.objects.service_account("bench")
    starts_at = timezone.now().replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=30)
    dialogue = Dialogue.objects.create(
        slug=f"bench-{sessions}", title_en="Dialogue", overview_en="What it is for. " * 40, place_en="Geneva",
        starts_at=starts_at, ends_at=starts_at + timedelta(days=3), status="confirmed", published_at=timezone.now(),
        published_by=by,
    )  # fmt: skip
    entities = Entity.objects.bulk_create(
        Entity(
            slug=f"bench-{sessions}-{n}",
            kind="un-body",
            official_name_en=f"Entity {n} of {sessions}",
            checked_at=timezone.now(),
            checked_by=by,
        )
        for n in range(50)
    )
    persons = Person.objects.bulk_create(
        Person(slug=f"bench-{sessions}-{n}", name=f"Person {n} of a long name") for n in range(people)
    )
    rows = []
    for number in range(sessions):
        begin = starts_at + timedelta(days=number % 2, minutes=30 * (number // 8))
        rows.append(
            Session(
                dialogue=dialogue,
                slug=f"session-{number}",
                kind="panel",
                position=number,
                state="published",
                title_en=f"Session {number} on what becomes of equipment",
                summary_en="What it is about. " * 10,
                starts_at=begin,
                ends_at=begin + timedelta(minutes=30),
                room=f"Room {number % 8 // 2}",
            )
        )
    made = Session.objects.bulk_create(rows)
    Participation.objects.bulk_create(
        Participation(
            dialogue=dialogue,
            session=made[place % sessions],
            person=person,
            entity=entities[place % len(entities)],
            role="panellist",
            position=place,
            title_then="Director",
            entity_then="An entity of then",
        )
        for place, person in enumerate(persons)
    )
    for number in range(20):
        Question.objects.create(
            dialogue=dialogue, text_en=f"Question {number}?", state="published", published_at=timezone.now(),
            moderated_at=timezone.now(), position=number,
        )  # fmt: skip
    for number in range(7):
        aim = ExpectedOutcome(dialogue=dialogue, position=number)
        aim.text_en = f"Outcome {number}"  # type: ignore[attr-defined]  # a column of translation.py
        aim.save()
        OutcomeUpdate.objects.create(
            expected_outcome=aim, on=timezone.localdate(), status="under-way", note_en="Begun."
        )
    return dialogue


class Command(BaseCommand):
    help = "Measures the pages and files of dialogues on made-up rows, and compares them with their budgets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repeat", type=int, default=20)

    def handle(self, *, repeat: int, **options: Any) -> None:
        connect("portal_bench_dialogues")
        settings.DEBUG, settings.PORTAL_BURST_SECONDS = False, 0
        call_command("collectstatic", verbosity=0, interactive=False)
        missed = []
        with transaction.atomic():
            for sessions, people, statements, kilobytes in SIZES:
                dialogue = made_up(sessions, people)
                self.stdout.write(f"{sessions} sessions, {people} people, ms of {repeat} requests:")
                self.stdout.write(f"{'':34}{'min':>8}{'p50':>8}{'p95':>8}  SQL  kB gzip")
                for page in PAGES:
                    missed += self.measure(dialogue, page, repeat, statements, kilobytes)
            transaction.set_rollback(True)
        if missed:
            raise CommandError(f"Over budget: {'; '.join(missed)}.")

    def measure(self, dialogue: Dialogue, page: str, repeat: int, statements: int, kilobytes: float) -> list[str]:
        """Prints a line; what is over its budget."""
        client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_ENCODING="identity")
        address, timing = f"/en/dialogues/{dialogue.slug}/{page}", Timing()
        content = ask(client, address, Timing())  # templates are read at the first request
        for _round in range(repeat):
            ask(client, address, timing)
        weight, is_file = len(gzip.compress(content)) / 1000, page in FILES
        most = MOST_OF_A_FILE if is_file else statements if page in {"", "agenda/"} else 8
        over = [
            name
            for name, is_over in (
                ("time", timing.p95 > BAR_MS and page in {"", "agenda/"}),
                ("statements", timing.statements > most),
                ("weight", not is_file and weight > kilobytes),
            )
            if is_over
        ]
        self.stdout.write(
            f"  {page or 'overview':32}{timing.least:8.1f}{timing.p50:8.1f}{timing.p95:8.1f}{timing.statements:5}{weight:9.1f}"
            f"  {'FAIL: ' + ', '.join(over) if over else 'PASS'}"
        )
        return [f"{dialogue.slug}/{page}: {name}" for name in over]
