"""`manage.py compile_catalogues`: the translations in locale/, compiled without a system gettext."""

from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compiles each .po file whose .mo file is missing or older."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        compiled = 0
        for folder in settings.LOCALE_PATHS:
            for path in sorted(folder.glob("*/LC_MESSAGES/*.po")):
                target = path.with_suffix(".mo")
                if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
                    polib.pofile(str(path)).save_as_mofile(str(target))
                    compiled += 1
        if options["verbosity"]:
            self.stdout.write(f"Translations: {compiled} compiled.")
