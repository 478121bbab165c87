"""Files of editions: PDF alone, checked by their content, described by what is in them."""

import hashlib

import pypdfium2
from django.core.exceptions import ValidationError
from django.core.files import File
from django.utils.translation import gettext_lazy as _

from ewaste_portal import pdf

LARGEST_FILE = 50 * 1024 * 1024


def validate_pdf(file: File) -> None:
    """ValidationError unless it is a PDF that opens, of at most 50 MB. The file's name is not believed."""
    if file.size > LARGEST_FILE:
        raise ValidationError(_("The file is larger than 50 MB: link to it at its publisher instead."), code="size")
    try:
        pages = page_count(content(file))
    except pypdfium2.PdfiumError as error:
        raise ValidationError(_("Choose a PDF: this file cannot be opened as one."), code="format") from error
    if pages == 0:
        raise ValidationError(_("This PDF has no page."), code="format")


def content(file: File) -> bytes:
    file.seek(0)
    octets = file.read()
    file.seek(0)
    return bytes(octets)


def page_count(octets: bytes) -> int:
    """Raises PdfiumError for what is no PDF."""
    return pdf.page_count(octets)


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
