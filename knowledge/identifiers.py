"""Identifiers of works and editions: their normal form and check digits."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+", re.ASCII)
ISBN13 = r"^97[89][0-9]{10}$"


def normalise_doi(text: str) -> str:
    """The bare DOI in lower case: `https://doi.org/10.1016/X` becomes `10.1016/x`; other text comes back trimmed."""
    found = DOI.search(text.strip())
    return found.group().rstrip(".,;)").lower() if found else text.strip()


def normalise_isbn(text: str) -> str:
    """Thirteen digits without hyphens; an ISBN-10 is turned into its ISBN-13. Other text comes back trimmed."""
    bare = re.sub(r"[\s‐-―-]", "", text).upper().removeprefix("ISBN").lstrip(":")
    if re.fullmatch(r"[0-9]{9}[0-9X]", bare) and _isbn10_is_right(bare):
        return with_check_digit("978" + bare[:9])
    return bare if re.fullmatch(r"[0-9]{13}", bare) else text.strip()


def with_check_digit(twelve: str) -> str:
    """Twelve digits plus the check digit of ISO 2108."""
    total = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(twelve))
    return twelve + str(-total % 10)


def is_isbn(text: str) -> bool:
    """Thirteen digits, prefix 978 or 979, right check digit."""
    return re.fullmatch(ISBN13, text) is not None and with_check_digit(text[:12]) == text


def _isbn10_is_right(bare: str) -> bool:
    values = [10 if character == "X" else int(character) for character in bare]
    return sum(value * (10 - place) for place, value in enumerate(values)) % 11 == 0


def validate_isbn(value: str) -> None:
    if not is_isbn(normalise_isbn(value)):
        raise ValidationError(_("Enter an ISBN of 10 or 13 digits with the right check digit."), code="isbn")


def validate_doi(value: str) -> None:
    if DOI.fullmatch(normalise_doi(value)) is None:
        raise ValidationError(_("Enter a DOI such as 10.1016/j.wasman.2019.08.012."), code="doi")


def format_isbn(isbn: str) -> str:
    """For readers: prefix, body and check digit apart (the registrant's length is not known here)."""
    return f"{isbn[:3]}-{isbn[3:12]}-{isbn[12:]}" if is_isbn(isbn) else isbn
