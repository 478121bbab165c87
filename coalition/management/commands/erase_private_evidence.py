"""Erases what only the registry holds of a signature: address, IP, browser. The public proof still verifies."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coalition import verification


class Command(BaseCommand):
    help = "Erases the private evidence of the signature with this code, for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")

    def handle(self, *args: Any, **options: Any) -> None:
        code = verification.read_code(options["code"])
        signature = verification.find(code) if code else None
        if signature is None:
            raise CommandError("There is no signature with this code.")
        erased = verification.erase_private_evidence(signature=signature)
        self.stdout.write(f"{signature.code}: {'erased' if erased else 'there was nothing left to erase'}.")
