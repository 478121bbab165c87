"""The registry checks itself: journal, signatures, certificates, seals. Nightly; docs/verification.md says what it finds."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from coalition import tasks, verification


class Command(BaseCommand):
    help = "Walks the journal, re-validates every certificate and its evidence; one line, and a line for each fault."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--make-missing", action="store_true", help="first make the certificates that wait")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_missing"]:
            tasks.make_missing_certificates.func()
        report = verification.audit()
        verification.keep_report(report)
        self.stdout.write(str(report))
        for sentence in (*report.faults, *report.waiting, *report.warnings):
            self.stderr.write(sentence)
        if report.faults:
            sys.exit(1)
        verification.publish_head()
