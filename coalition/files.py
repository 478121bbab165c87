"""Uploads, distrusted: what they are is read from their content, never from their name."""

import hashlib
import io

import pypdfium2
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

from ewaste_portal import pdf

LARGEST_IMAGE, LARGEST_DOCUMENT = 2 * 1024 * 1024, 10 * 1024 * 1024
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP")
LOGO_EDGE = 512  # pixels
MOST_PIXELS, MOST_PIXELS_DRAWN = 40_000_000, 16_000_000  # drawn anew, each takes eight bytes


def validate_image(file: UploadedFile) -> None:
    """PNG, JPEG or WebP, of a sensible size. ValidationError otherwise; SVG is refused, since it can carry scripts."""
    if file.size and file.size > LARGEST_IMAGE:
        raise ValidationError(_("The picture is larger than 2 MB: choose a smaller one."), code="size")
    try:
        file.seek(0)
        with Image.open(file, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValidationError(_("The picture has too many pixels: choose a smaller one."), code="size")
            image.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(_("Choose a picture in PNG, JPEG or WebP format."), code="format") from error
    finally:
        file.seek(0)


def logo(file: UploadedFile) -> ContentFile:
    """The picture drawn anew as PNG, at most 512 pixels wide and high: nothing but its pixels is kept.

    ValidationError for what breaks off or turns out a bomb only when it is drawn.
    """
    file.seek(0)
    try:
        with Image.open(file, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS_DRAWN:
                raise ValidationError(_("The picture has too many pixels: choose a smaller one."), code="size")
            image.load()
            copy = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(_("Choose a picture in PNG, JPEG or WebP format."), code="format") from error
    copy.thumbnail((LOGO_EDGE, LOGO_EDGE))
    out = io.BytesIO()
    copy.save(out, "PNG", optimize=True)
    return ContentFile(out.getvalue(), name="logo.png")


def validate_document(file: UploadedFile) -> None:
    """A PDF that opens, or a picture. ValidationError otherwise."""
    if file.size and file.size > LARGEST_DOCUMENT:
        raise ValidationError(_("The file is larger than 10 MB: choose a smaller one."), code="size")
    file.seek(0)
    head = file.read(5)
    file.seek(0)
    if head != b"%PDF-":
        validate_image(file)
        return
    try:
        pages = pdf.page_count(file.read())
    except pypdfium2.PdfiumError as error:
        raise ValidationError(_("This PDF cannot be opened: save it again and retry."), code="format") from error
    finally:
        file.seek(0)
    if pages == 0:
        raise ValidationError(_("This PDF has no page."), code="format")


def sha256(content: bytes) -> str:
    """Hexadecimal, lower case."""
    return hashlib.sha256(content).hexdigest()
