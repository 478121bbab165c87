"""Checks an evidence.json offline: no database, no network, only the library fido2 (docs/signing.md)."""

import hashlib
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coalition.ceremony import verify_passkey_evidence

SAID = ("kind", "entity_name", "name", "title", "capacity", "letter", "language", "text_sha256", "at", "portal")


class Command(BaseCommand):
    help = "Checks an evidence.json offline; given the letter's text, also that it is the text that was signed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("evidence", type=Path, help="the file evidence.json")
        parser.add_argument("--text", type=Path, help="the letter's text as downloaded, to compare its hash")

    def handle(self, *args: Any, evidence: Path, text: Path | None, **options: Any) -> None:
        try:
            proof = json.loads(evidence.read_text(encoding="utf-8"))
            statement = json.loads(proof["statement"])
            if proof["method"] == "passkey":
                verify_passkey_evidence(proof)
                verdict = "The passkey's signature is good: it signs exactly this statement, with user verification."
            elif hashlib.sha256(proof["statement"].encode()).hexdigest() == proof["statement_sha256"]:
                verdict = (
                    f"No cryptographic signature to check (method: {proof['method']}); the statement fits its hash."
                )
            else:
                raise ValueError("The statement is not the one that the evidence names.")
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"Not good: {error}") from error
        if text is not None and hashlib.sha256(text.read_bytes()).hexdigest() != statement.get("text_sha256"):
            raise CommandError("Not good: the text is not the one that was signed.")
        for name in SAID:
            self.stdout.write(f"{name}: {statement.get(name)}")
        self.stdout.write(self.style.SUCCESS(verdict))
