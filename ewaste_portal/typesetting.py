"""Paper: PDF/A-3b by Typst, with fonts of our own, so that a file looks the same wherever it is made."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock

import fontpkg_amiri  # type: ignore[import-untyped]
import fontpkg_noto_sans  # type: ignore[import-untyped]
import typst
from django.conf import settings
from django.utils.translation import gettext as _

FOLDER = Path(__file__).parent

_compiling = Lock()


class UnsettableError(Exception):
    """Letters that no font of the portal has; the message names them, for staff."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        super().__init__(
            _("No font of the portal has these characters: %(characters)s. Add a font to PORTAL_FONTS.")
            % {"characters": " ".join(characters)}
        )


@cache
def fonts() -> typst.Fonts:
    """Noto Sans (Latin, Cyrillic, Greek), Amiri (Arabic), Noto Sans SC (GB 2312), and what PORTAL_FONTS adds.

    None of the system's.
    """
    folders = [Path(package.__file__).parent / "files" for package in (fontpkg_noto_sans, fontpkg_amiri)]
    folders.append(FOLDER / "fonts")
    if settings.PORTAL_FONTS:
        folders.append(Path(settings.PORTAL_FONTS))
    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder) for folder in folders])


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(root=str(FOLDER / "fonts"), font_paths=fonts(), ignore_system_fonts=True)


@cache
def source(template: Path) -> bytes:
    return template.read_bytes()


def typeset(source: bytes, inputs: dict[str, str], *, at: datetime) -> bytes:
    """PDF/A-3b. RuntimeError (typst.TypstError) for an error, and for whatever Typst only warns of."""
    with _compiling:
        pdf, warnings = _compiler().compile_with_warnings(
            source,
            format="pdf",
            pdf_standards=["a-3b"],
            sys_inputs=inputs,
            timestamp=at.astimezone(UTC).replace(microsecond=0),
        )
    if warnings:
        raise RuntimeError("; ".join(warning.message for warning in warnings))
    assert isinstance(pdf, bytes)  # noqa: S101  one format gives one file
    return pdf


SAMPLE = b"""
#set document(date: datetime(year: 2000, month: 1, day: 1))
#set text(font: ("Noto Sans", "Amiri", "Noto Sans SC"))
#sys.inputs.text
"""


def unsettable(text: str) -> str:
    """The characters of a text that no font of the portal has, each once; empty when all is well."""

    def fails(part: str) -> bool:
        try:
            typeset(SAMPLE, {"text": part}, at=datetime(2000, 1, 1, tzinfo=UTC))
        except RuntimeError:
            return True
        return False

    if not fails(text):
        return ""
    return "".join(character for character in dict.fromkeys(text) if not character.isspace() and fails(character))
