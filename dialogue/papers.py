"""Papers of a dialogue: which of them a reader may see, in which order, and how a file leaves the portal.

What a file is follows from its content; its name on disk ends accordingly (see `described`). It is never shown inside
a page: always a download, of the right type, in a sandbox.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.text import slugify
from django.utils.translation import gettext as _
from PIL import Image

from coalition import files
from dialogue import permissions
from dialogue.attending import current
from dialogue.models import Dialogue, Document, Session, Statement
from dialogue.querysets import DocumentQuerySet
from dialogue.times import day_words, instant_words
from ewaste_portal import vocabularies
from ewaste_portal.context import language_tag
from knowledge import languages
from knowledge.files import content, page_count
from knowledge.models import Edition

TYPES = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
FORMATS = {"pdf": "PDF", "png": "PNG", "jpg": "JPEG", "webp": "WebP"}


# Who may see which ------------------------------------------------------------------------------------------


def sees_all(request: HttpRequest) -> bool:
    """Staff, without a look at the session of a visitor who has none."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and permissions.can_see_papers(request.user)


def visible(request: HttpRequest, dialogue: Dialogue) -> DocumentQuerySet:
    """Public documents; those for participants if the visitor's browser holds a seat; for staff all."""
    documents: Any = dialogue.documents
    if sees_all(request):
        return documents.all()
    audiences = ["public"]
    if current(request, dialogue) is not None:
        audiences.append("participants")
    return documents.for_audiences(*audiences)


# How they are listed ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """A document as a page lists it."""

    document: Document
    dialogue: Dialogue
    at: datetime

    @property
    def resource(self) -> Any:
        return self.document.resource

    @property
    def is_linked(self) -> bool:
        """Not a resource that is not published: staff see its title alone."""
        return self.resource is None or self.resource.is_published

    @property
    def title(self) -> str:
        return self.document.title or (self.resource.display_title if self.resource else "")

    @property
    def editions(self) -> list[Edition]:
        return list(self.resource.editions.all()) if self.resource else []

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Tag and name of each: its own, or those of the resource's editions."""
        codes = [self.document.language] if self.document.language else [row.language for row in self.editions]
        return [(language_tag(code), languages.name(code)) for code in dict.fromkeys(codes)]

    @property
    def format(self) -> str:
        return FORMATS[ending(self.document.file.name)] if self.document.file else ""

    @property
    def embargo(self) -> str:
        """Until when nobody but staff sees it, in words; empty where that is over."""
        until = self.document.embargo_until
        if until is None or not self.document.is_embargoed(self.at):
            return ""
        return instant_words(until, self.dialogue.zone, self.dialogue.place)

    @property
    def is_held_back(self) -> bool:
        session = self.document.session
        return session is not None and session.state == Session.State.DRAFT


@dataclass(frozen=True)
class Group:
    code: str
    papers: list[Paper]

    @property
    def label(self) -> str:
        return vocabularies.label("document_type", self.code)


def groups(documents: DocumentQuerySet, dialogue: Dialogue, *, at: datetime | None = None) -> list[Group]:
    """By type, then language, each in the order of its vocabulary; two queries."""
    rows = documents.select_related("session", "resource").prefetch_related("resource__editions")
    found: dict[str, list[Paper]] = {code: [] for code in vocabularies.codes("document_type")}
    for document in rows.order_by("position", "pk"):
        found[document.document_type].append(Paper(document, dialogue, at or timezone.now()))
    places = {code: place for place, code in enumerate(vocabularies.codes("language"))}

    def place(paper: Paper) -> tuple[int, int]:
        code = paper.document.language or (paper.editions[0].language if paper.editions else "")
        return places.get(code, len(places)), paper.document.position

    return [Group(code, sorted(papers, key=place)) for code, papers in found.items() if papers]


def statements(dialogue: Dialogue) -> QuerySet[Statement]:
    """What is published, in the order in which it was; one query."""
    rows: Any = dialogue.statements
    return rows.public().select_related("entity__merged_into", "session").defer("text").order_by("published_at", "pk")


@dataclass(frozen=True)
class Said:
    """A statement as a page shows it."""

    statement: Statement

    @property
    def tag(self) -> str:
        return language_tag(self.statement.language)

    @property
    def language(self) -> str:
        return languages.name(self.statement.language)

    @property
    def direction(self) -> str:
        return languages.direction(self.statement.language)

    @property
    def format(self) -> str:
        return FORMATS[ending(self.statement.file.name)] if self.statement.file else ""

    @property
    def size(self) -> int | None:
        """None where the file is missing on disk."""
        try:
            return int(self.statement.file.size) if self.statement.file else None
        except OSError:
            return None


def said(rows: Iterable[Statement]) -> list[Said]:
    return [Said(row) for row in rows]


def citation(statement: Statement, *, address: str) -> str:
    """“ITU (2018). Title. Statement on the occasion of “…”, Geneva, 21 March 2018. https://…”"""
    dialogue = statement.dialogue
    return _("%(entity)s (%(year)s). %(title)s. Statement on the occasion of “%(dialogue)s”, %(day)s. %(address)s") % {
        "entity": statement.entity.official_name,
        "year": (statement.published_at or statement.created_at).year,
        "title": statement.title.rstrip("."),
        "dialogue": dialogue.title,
        "day": day_words(dialogue.first_day, weekday=False),
        "address": address,
    }


# Files --------------------------------------------------------------------------------------------------------------


def ending(name: str | None) -> str:
    found = (name or "").rpartition(".")[2].lower()
    return found if found in TYPES else "pdf"


@dataclass(frozen=True)
class Description:
    """Of a file, from what is in it."""

    sha256: str
    size: int
    pages: int | None
    name: str


def described(file: File) -> Description:
    """Call it for what `coalition.files.validate_document` accepted; ValidationError otherwise."""
    files.validate_document(file)  # type: ignore[arg-type]  # any file that can be read
    octets = content(file)
    digest = files.sha256(octets)
    pages = page_count(octets) if octets.startswith(b"%PDF-") else None
    return Description(digest, len(octets), pages, f"{digest[:16]}.{_ending_of(octets)}")


def _ending_of(octets: bytes) -> str:
    if octets.startswith(b"%PDF-"):
        return "pdf"
    with Image.open(io.BytesIO(octets), formats=files.IMAGE_FORMATS) as image:
        return {"PNG": "png", "JPEG": "jpg"}.get(image.format or "", "webp")


def download(
    request: HttpRequest, file: FieldFile, *, title: str, language: str, sha256: str, is_public: bool
) -> HttpResponseBase:
    """Http404 if the file is not there. What is not public is kept by nobody on the way."""
    etag = f'"{sha256}"'
    unchanged = get_conditional_response(request, etag=etag)
    response: HttpResponseBase = unchanged or _attachment(file, title=title, language=language)
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    if not is_public:
        response["Cache-Control"] = "private, no-store"
    return response


def _attachment(file: FieldFile, *, title: str, language: str) -> FileResponse:
    try:
        opened = file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    end = ending(file.name)
    name = "-".join(filter(None, (slugify(title, allow_unicode=True)[:80] or "document", language)))
    return FileResponse(opened, as_attachment=True, filename=f"{name}.{end}", content_type=TYPES[end])
