"""`manage.py load_catalogue FILE.csv`: takes a catalogue file into the library."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ewaste_portal.models import User
from knowledge.catalogue_file import BadFile, load_catalogue


class Command(BaseCommand):
    help = "Reads a catalogue (docs/catalogue.md): all of it or, if anything is wrong, nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="tell what would happen, change nothing")
        parser.add_argument("--by", metavar="EMAIL", help="the person who publishes (default: a service account)")

    def handle(self, *, file: Path, dry_run: bool, by: str | None, **options: Any) -> None:
        user = User.objects.filter(email=by).first() if by else User.objects.service_account("load-catalogue")
        if user is None:
            raise CommandError(f"Nobody has the e-mail address {by}.")
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        try:
            report = load_catalogue(file, by=user, dry_run=dry_run)
        except BadFile as error:
            lines = "\n".join(str(problem) for problem in error.problems)
            raise CommandError(f"Nothing was taken from {file}:\n{lines}") from error
        self.stdout.write(f"{file.name}: {report}{' (dry run: nothing changed)' if dry_run else ''}.")
