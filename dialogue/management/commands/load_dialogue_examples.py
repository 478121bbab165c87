"""`manage.py load_dialogue_examples`: a live and a future dialogue, made up for the demonstration and moved to now each time."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from dialogue.content import DATA, Loader, load_people
from dialogue.models import Dialogue, Session
from ewaste_portal.models import User

EXAMPLES = DATA / "examples"
INTO_THE_LIVE_ONE = timedelta(minutes=20)
UNTIL_THE_FUTURE_ONE = timedelta(days=42)
WINDOWS = ("registration_opens_at", "registration_closes_at", "questions_open_at", "questions_close_at")


class Command(BaseCommand):
    help = "Adds the made-up dialogues of the demonstration, and moves them to now. Refused outside the demonstration."

    def handle(self, **options: Any) -> None:
        if not settings.PORTAL_DEMO:
            raise CommandError("Examples belong to the demonstration alone: set PORTAL_DEMO=true to look around.")
        load_people(EXAMPLES / "people.toml", is_example=True)
        loader = Loader(by=User.objects.service_account("example-events"))
        created = loader.load([EXAMPLES / "live.toml", EXAMPLES / "future.toml"])
        now = timezone.now().replace(second=0, microsecond=0)
        now -= timedelta(minutes=now.minute % 5)
        move(Dialogue.objects.get(slug="example-dialogue-live"), now - INTO_THE_LIVE_ONE)
        future = Dialogue.objects.get(slug="example-dialogue-to-come")
        day = (now + UNTIL_THE_FUTURE_ONE).astimezone(future.zone)
        move(future, day.replace(hour=9, minute=0))
        self.stdout.write(f"Dialogues: {created} examples created; one is live now, one is to come.")


@transaction.atomic
def move(dialogue: Dialogue, starts_at: datetime) -> None:
    """The whole dialogue with its sessions and windows. Nobody is told: examples move at each start."""
    shift = starts_at - dialogue.starts_at
    if not shift:
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    Session.objects.filter(dialogue=dialogue, starts_at__isnull=False).update(
        starts_at=F("starts_at") + shift, ends_at=F("ends_at") + shift
    )
    times = ("starts_at", "ends_at", *(name for name in WINDOWS if getattr(dialogue, name)))
    Dialogue.objects.filter(pk=dialogue.pk).update(**{name: F(name) + shift for name in times})
