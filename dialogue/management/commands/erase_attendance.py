"""Erases what people told when they registered, once it is not needed; run daily, as often as one likes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dialogue.actions import attendance


class Command(BaseCommand):
    help = "Erases access needs of dialogues that ended, and names and addresses some days later; the counts stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=attendance.DAYS_KEPT,
            help="after the end of a dialogue, until names and addresses are erased (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("The number of days must not be negative.")
        needs, persons, unconfirmed = attendance.erase(days=options["days"])
        self.stdout.write(f"Access needs: {needs}. Names and addresses: {persons}. Never confirmed: {unconfirmed}.")
