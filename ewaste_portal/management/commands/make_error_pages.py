"""`manage.py make_error_pages`: the pages for errors 500 and 503 as files, which need neither database nor templates."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.template.loader import render_to_string
from django.utils.translation import get_language_info, gettext as _, override

from ewaste_portal.accounts import portal_name
from ewaste_portal.context import language_tag


def words(status: int) -> tuple[str, str]:
    """Heading and text in the active language."""
    if status == 503:
        return _("The portal is being worked on"), _("It will be back soon. Try again in a few minutes.")
    return _("The page could not be made"), _(
        "The fault is on our side and has been noted. Try again in a few minutes."
    )


class Command(BaseCommand):
    help = "Writes errors/500.<language>.html and 503.<language>.html into STATIC_ROOT, for the portal and for a proxy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=Path(settings.STATIC_ROOT) / "errors")

    def handle(self, *, folder: Path, **options: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        codes = [code for code, _name in settings.LANGUAGES]
        for status in (500, 503):
            for code in codes:
                with override(code):
                    heading, text = words(status)
                    html = render_to_string(
                        "errors/static.html",
                        {
                            "lang": language_tag(code),
                            "dir": "rtl" if get_language_info(code)["bidi"] else "ltr",
                            "name": portal_name(),
                            "heading": heading,
                            "text": text,
                            "home_url": f"/{code}/",
                            "home_label": _("Home"),
                            "languages": [
                                {
                                    "tag": language_tag(other),
                                    "dir": "rtl" if get_language_info(other)["bidi"] else "ltr",
                                    "name_local": "中文"
                                    if other == "zh-hans"
                                    else get_language_info(other)["name_local"].capitalize(),
                                    "url": f"/{other}/",
                                }
                                for other in codes
                            ],
                        },
                    )
                (folder / f"{status}.{code}.html").write_text(html, encoding="utf-8")
        if options["verbosity"]:
            self.stdout.write(f"Error pages: {2 * len(codes)} written to {folder}.")
