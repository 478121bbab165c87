"""Once a day, by cron or a timer: reminders, and files that lapse."""

from typing import Any

from django.core.management.base import BaseCommand

from coalition.tasks import remind_and_lapse


class Command(BaseCommand):
    help = "Reminds Heads who have not answered and closes applications without movement. Run it once a day."

    def handle(self, *args: Any, **options: Any) -> None:
        reminded, lapsed = remind_and_lapse()
        self.stdout.write(f"{reminded} reminded, {lapsed} lapsed.")
