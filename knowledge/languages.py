"""Languages of editions: ISO 639-1 codes, named in the reader's language and in their own."""

from django.conf.locale import LANG_INFO
from django.utils.translation import get_language

from ewaste_portal import vocabularies

RIGHT_TO_LEFT = {"ar", "fa", "he", "ur", "ps", "sd", "ug", "yi", "dv", "ku"}
PORTAL_CODES = {"zh": "zh-hans"}


def local_name(code: str) -> str:
    """The language's name in itself: Français, 中文."""
    if code == "zh":
        return "中文"
    info = LANG_INFO.get(code)
    name = info.get("name_local", "") if info else ""
    return name[:1].upper() + name[1:] if name else code


def name(code: str) -> str:
    """The language's name in the reader's language; its own name where the vocabulary has none."""
    known = vocabularies.label("language", code)
    return known if known != code else local_name(code)


def direction(code: str) -> str:
    return "rtl" if code.split("-")[0] in RIGHT_TO_LEFT else "ltr"


def reader_code() -> str:
    """ISO 639-1 code of the active language: zh-hans is zh."""
    return (get_language() or "en").split("-")[0]


def column(code: str) -> str | None:
    """The suffix of the translated columns for a language, None where there is no such column."""
    return vocabularies.COLUMNS.get(PORTAL_CODES.get(code, code))
