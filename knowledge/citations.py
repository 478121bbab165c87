"""A resource as something to cite: CSL-JSON, from which the text, BibTeX and RIS are written."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from knowledge.models import Resource


@dataclass(frozen=True)
class Kind:
    """What a resource type is called in CSL, RIS and BibTeX."""

    csl: str
    ris: str
    bibtex: str


REPORT = Kind("report", "RPRT", "techreport")
KINDS = {
    "journal-article": Kind("article-journal", "JOUR", "article"),
    "legislation": Kind("legislation", "STAT", "misc"),
    "standard": Kind("standard", "STAND", "misc"),
    "web-resource": Kind("webpage", "ELEC", "misc"),
    "dataset": Kind("dataset", "DATA", "misc"),
    "video": Kind("motion_picture", "VIDEO", "misc"),
    "book": Kind("book", "BOOK", "book"),
    "book-chapter": Kind("chapter", "CHAP", "incollection"),
    "conference-paper": Kind("paper-conference", "CPAPER", "inproceedings"),
    "thesis": Kind("thesis", "THES", "phdthesis"),
    "presentation": Kind("speech", "SLIDE", "misc"),
    "press-release": Kind("article-newspaper", "PRESS", "misc"),
    "software": Kind("software", "COMP", "misc"),
    "map": Kind("map", "MAP", "misc"),
}


def kind(resource: Resource) -> Kind:
    return KINDS.get(resource.resource_type, REPORT)


def _author(name: str) -> dict[str, str]:
    family, comma, given = name.partition(",")
    return {"family": family.strip(), "given": given.strip()} if comma else {"literal": name}


def csl(resource: Resource, *, address: str) -> dict[str, Any]:
    """CSL-JSON, always of the original title. `address` is the portal's page, used where no edition has one."""
    editions = list(resource.editions.all())
    item: dict[str, Any] = {
        "id": resource.slug,
        "type": kind(resource).csl,
        "title": resource.full_original_title,
        "author": [_author(name) for name in resource.authors],
        "publisher": "; ".join(entity.official_name_en or str(entity) for entity in resource.publisher_entities),
        "container-title": resource.journal,
        "language": resource.original_language,
        "DOI": resource.doi,
        "ISBN": next((edition.isbn for edition in editions if edition.isbn), ""),
        "number": "; ".join(resource.symbols),
        "URL": next((edition.url for edition in editions if edition.url), "")
        or (f"https://doi.org/{resource.doi}" if resource.doi else address),
    }
    if resource.published_on:
        day = resource.published_on
        item["issued"] = {"date-parts": [[day.year, day.month, day.day]]}
    elif resource.year:
        item["issued"] = {"date-parts": [[resource.year]]}
    return {key: value for key, value in item.items() if value}


def text(item: dict[str, Any]) -> str:
    """In the manner of APA: authors or publishers, year, title, publisher, DOI or address."""
    authors = [
        author.get("literal") or ", ".join(part for part in (author["family"], author["given"]) if part)
        for author in item.get("author", [])
    ]
    publisher = item.get("publisher", "")
    names = authors or ([publisher] if publisher else [])
    head = ", ".join(names[:-1]) + " & " + names[-1] if len(names) > 1 else "".join(names)
    year = str(item["issued"]["date-parts"][0][0]) if "issued" in item else _("n.d.")
    title = item["title"].rstrip(".")
    middle = item.get("container-title", "") or (publisher if authors else "")
    link = f"https://doi.org/{item['DOI']}" if "DOI" in item else item["URL"]
    start = f"{head} ({year}). {title}." if head else f"{title} ({year})."
    return " ".join(part for part in (start, f"{middle}." if middle else "", link) if part)


def ris(item: dict[str, Any], resource: Resource) -> str:
    return ris_record(item, kind(resource), abstract=resource.summary_en or "")


def ris_record(item: dict[str, Any], kind: Kind, *, abstract: str = "") -> str:
    """One record in the RIS format, lines ended by CR LF."""
    lines = [("TY", kind.ris), ("ID", item["id"]), ("TI", item["title"])]
    lines += [
        ("AU", author.get("literal") or f"{author['family']}, {author['given']}") for author in item.get("author", [])
    ]
    if "issued" in item:
        parts = item["issued"]["date-parts"][0]
        lines.append(("PY", str(parts[0])))
        if len(parts) == 3:
            lines.append(("DA", "{:04d}/{:02d}/{:02d}".format(*parts)))
    for tag, key in (
        ("T2", "container-title"),
        ("PB", "publisher"),
        ("SN", "ISBN"),
        ("M1", "number"),
        ("DO", "DOI"),
        ("LA", "language"),
        ("UR", "URL"),
    ):
        if key in item:
            lines.append((tag, item[key]))
    if abstract:
        lines.append(("AB", " ".join(abstract.split())))
    lines.append(("ER", ""))
    return "".join(f"{tag}  - {' '.join(str(value).split())}\r\n" for tag, value in lines)


_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
})  # fmt: skip


def _bibtex_name(author: dict[str, str]) -> str:
    """`Family, Given`; in braces a name of one part, and an “and” that would make two names of one."""
    if "literal" in author:
        return "{" + author["literal"].translate(_LATEX) + "}"
    family, given = author["family"].translate(_LATEX), author["given"].translate(_LATEX)
    family = re.sub(r"\band\b", "{and}", family)
    return f"{family}, {given}" if given else family


def bibtex(item: dict[str, Any], resource: Resource) -> str:
    return bibtex_entry(item, kind(resource))


def bibtex_entry(item: dict[str, Any], kind: Kind) -> str:
    """One entry in BibTeX (UTF-8); titles in double braces, so that styles keep their capitals."""
    first = item.get("author", [{}])[0]
    name = first.get("family") or first.get("literal") or item.get("publisher", "") or "anonymous"
    plain = re.sub(r"[^A-Za-z]", "", unicodedata.normalize("NFKD", name))[:20] or "resource"
    year = str(item["issued"]["date-parts"][0][0]) if "issued" in item else ""
    authors = " and ".join(_bibtex_name(author) for author in item.get("author", []))
    entry = kind.bibtex
    publisher_field = {"techreport": "institution", "misc": "howpublished", "phdthesis": "school"}.get(
        entry, "publisher"
    )
    fields = {
        "author": authors,
        "title": "{" + item["title"].translate(_LATEX) + "}",
        "year": year,
        "journal": item.get("container-title", "").translate(_LATEX),
        publisher_field: item.get("publisher", "").translate(_LATEX),
        "number": item.get("number", "").translate(_LATEX),
        "isbn": item.get("ISBN", ""),
        "doi": item.get("DOI", ""),
        "url": item["URL"],
        "langid": item["language"],
    }
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items() if value)
    return f"@{entry}{{{plain.lower()}{year},\n{lines}\n}}\n"
