"""All public files of a dialogue as one ZIP: the same bytes as long as the same is public.

In it: README.txt (what, when, on which terms; what is only listed because others keep it), SHA256SUMS (for
`sha256sum -c`), the documents by type, the editions of library resources that the portal holds itself, statements as
text and as they were sent. Nothing is compressed: the files are, and stored bytes do not depend on a library's version.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext as _

from coalition.files import sha256
from dialogue.models import Dialogue, Document, Statement
from dialogue.papers import ending
from dialogue.times import when
from ewaste_portal.addresses import absolute
from knowledge import languages

MOST_BYTES = 200_000_000
ANY_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can tell: files in it have no date


@dataclass(frozen=True)
class Entry:
    path: str
    sha256: str
    size: int
    open: Callable[[], IO[bytes]] = field(compare=False)
    about: str = ""


@dataclass(frozen=True)
class Package:
    """What goes in, and what is only listed; `readme` and `sums` follow from both."""

    dialogue: Dialogue
    files: list[Entry]
    listed: list[str]

    @property
    def is_empty(self) -> bool:
        return not self.files and not self.listed

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.files)

    @property
    def readme(self) -> bytes:
        return readme(self).encode()

    @property
    def sums(self) -> bytes:
        lines = [(entry.sha256, entry.path) for entry in self.files] + [(sha256(self.readme), "README.txt")]
        return "".join(f"{digest}  {path}\n" for digest, path in sorted(lines, key=lambda line: line[1])).encode()

    @property
    def etag(self) -> str:
        return f'"{sha256(self.sums)}"'


def package(dialogue: Dialogue) -> Package:
    """Three queries, whoever asks: what is not public for everyone, or not yet, is not in it."""
    documents = (
        Document.objects.public().filter(dialogue=dialogue).select_related("resource").order_by("position", "pk")
    )
    statements: Any = dialogue.statements
    files: dict[str, Entry] = {}
    listed: list[str] = []
    for document in documents.prefetch_related("resource__editions"):
        if document.resource is not None:
            found, elsewhere = _of_resource(document)
            files |= {entry.path: entry for entry in found}
            listed += elsewhere
        elif (entry := _of_document(document)) is not None:
            files[entry.path] = entry
    for statement in statements.public().select_related("entity").order_by("published_at", "pk"):
        files |= {entry.path: entry for entry in _of_statement(statement)}
    return Package(dialogue, sorted(files.values(), key=lambda entry: entry.path), list(dict.fromkeys(listed)))


def _opener(stored: Any) -> Callable[[], IO[bytes]]:
    return lambda: stored.storage.open(stored.name, "rb")


def _is_there(stored: Any) -> bool:
    return bool(stored) and stored.storage.exists(stored.name)


def _of_document(document: Document) -> Entry | None:
    if not _is_there(document.file):
        return None
    name = slugify(document.title)[:60] or "document"
    end = ending(document.file.name)
    path = f"{document.document_type}/{name}-{document.language}-{document.sha256[:8]}.{end}"
    label = ", ".join(
        filter(None, (document.get_document_type_display(), document.symbol, languages.name(document.language)))
    )
    return Entry(path, document.sha256, document.size or 0, _opener(document.file), f"{document.title} ({label})")


def _of_resource(document: Document) -> tuple[list[Entry], list[str]]:
    """Files of editions that the portal holds, and where to read the rest."""
    resource: Any = document.resource
    files = [
        Entry(
            f"resources/{resource.slug}-{edition.language}-{edition.sha256[:8]}.pdf", edition.sha256,
            edition.size_bytes or 0, _opener(edition.file), f"{resource.display_title} ({edition.language_name})",
        )
        for edition in resource.editions.all()
        if _is_there(edition.file)
    ]  # fmt: skip
    addresses = [absolute(resource.get_absolute_url()), *(row.url for row in resource.editions.all() if row.url)]
    return files, [] if files else ["\n  ".join([resource.display_title, *dict.fromkeys(addresses)])]


def _of_statement(statement: Statement) -> Iterator[Entry]:
    stem = f"statements/{statement.entity.slug}-{statement.language}-{statement.uid.hex[:8]}"
    about = f"{statement.entity.official_name}: {statement.title} ({languages.name(statement.language)})"
    if _is_there(statement.file):
        size = statement.file.storage.size(statement.file.name)
        yield Entry(f"{stem}.{ending(statement.file.name)}", statement.sha256, size, _opener(statement.file), about)
    if statement.text:
        octets = as_text(statement).encode()
        yield Entry(f"{stem}.txt", sha256(octets), len(octets), _bytes(octets), about)


def _bytes(octets: bytes) -> Callable[[], IO[bytes]]:
    return lambda: io.BytesIO(octets)


def as_text(statement: Statement) -> str:
    """Title, who, where to find it; then the statement as it was written, in Markdown."""
    head = (statement.title, statement.entity.official_name, absolute(statement.get_absolute_url()))
    return "\n".join(head) + f"\n\n{_lines(statement.text)}\n"


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def readme(package: Package) -> str:
    """In the reader's language."""
    dialogue = package.dialogue
    about = when(dialogue)
    parts = [
        dialogue.title,
        "\n".join(filter(None, (about.words if about else "", absolute(dialogue.get_absolute_url())))),
    ]
    if dialogue.is_example:
        parts.append(_("Made up for the demonstration."))
    parts.append(_("These are the files of the dialogue that are public. SHA256SUMS holds the checksum of each."))
    parts.append(_("Each file keeps its own terms of use: ask its author or publisher before you use it elsewhere."))
    if package.files:
        parts.append("\n".join([_("Files:"), *(f"- {entry.path}\n  {entry.about}" for entry in package.files)]))
    if package.listed:
        lines = [_("Works of the library that are read elsewhere:"), *(f"- {line}" for line in package.listed)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def packed(package: Package) -> IO[bytes]:
    """The ZIP as a temporary file, at its beginning. ValidationError where it would be too large."""
    if package.size > MOST_BYTES:
        raise ValidationError(
            _("The files of this dialogue together are larger than 200 MB: download them one by one."), code="size"
        )
    out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, octets in (("README.txt", package.readme), ("SHA256SUMS", package.sums)):
                archive.writestr(_info(name), octets)
            for entry in package.files:
                with entry.open() as source, archive.open(_info(entry.path), "w") as target:
                    while piece := source.read(1 << 20):
                        target.write(piece)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out


def _info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, ANY_DAY)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    return info
