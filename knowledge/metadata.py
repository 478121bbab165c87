"""A resource for machines that read its page: schema.org JSON-LD, Highwire and Dublin Core tags."""

from typing import Any

from ewaste_portal.addresses import absolute
from knowledge.models import Resource

SCHEMA_TYPES = {
    "dataset": "Dataset", "journal-article": "ScholarlyArticle", "legislation": "Legislation", "training": "Course",
    "web-resource": "WebPage", "video": "VideoObject", "book": "Book", "book-chapter": "Chapter", "thesis": "Thesis",
    "presentation": "PresentationDigitalDocument", "software": "SoftwareApplication", "map": "Map",
}  # fmt: skip
LICENCES = {
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc-by-nc-sa-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "cc-by-nc-nd-4.0": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "cc-by-3.0-igo": "https://creativecommons.org/licenses/by/3.0/igo/",
    "cc-by-nc-sa-3.0-igo": "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    "cc-by-nc-nd-3.0-igo": "https://creativecommons.org/licenses/by-nc-nd/3.0/igo/",
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
}


def day(resource: Resource) -> str:
    """`2018-03-21`, `2018` or nothing."""
    return resource.published_on.isoformat() if resource.published_on else str(resource.year or "")


def json_ld(resource: Resource, *, address: str) -> dict[str, Any]:
    editions = list(resource.editions.all())
    identifiers = [f"https://doi.org/{resource.doi}"] if resource.doi else []
    data = {
        "@context": "https://schema.org",
        "@type": SCHEMA_TYPES.get(resource.resource_type, "Report"),
        "@id": address,
        "url": address,
        "name": resource.full_original_title,
        "alternateName": resource.display_title if resource.title_is_translated else "",
        "inLanguage": list(dict.fromkeys(edition.language for edition in editions)) or resource.original_language,
        "datePublished": day(resource),
        "author": [{"@type": "Person", "name": name} for name in resource.authors],
        "publisher": [
            {"@type": "Organization", "name": entity.official_name_en or str(entity)}
            for entity in resource.publisher_entities
        ],
        "isPartOf": {"@type": "Periodical", "name": resource.journal} if resource.journal else "",
        "abstract": resource.display_summary,
        "description": resource.display_summary,
        "keywords": [topic.name for topic in resource.topics.all()],
        "identifier": [*identifiers, *resource.symbols],
        "license": LICENCES.get(resource.rights, ""),
        "workExample": [
            {
                key: value
                for key, value in {
                    "@type": "Book" if edition.isbn else "CreativeWork",
                    "name": edition.title or resource.full_original_title,
                    "inLanguage": edition.language,
                    "isbn": edition.isbn,
                    "url": edition.url,
                    "numberOfPages": edition.pages,
                }.items()
                if value
            }
            for edition in editions
        ],
    }
    return {key: value for key, value in data.items() if value}


def tags(resource: Resource, *, address: str) -> list[tuple[str, str]]:
    """Name and content of meta elements; the institution is what tells reference managers that it is a report."""
    editions = list(resource.editions.all())
    publishers = [entity.official_name_en or str(entity) for entity in resource.publisher_entities]
    pdf = next((absolute(edition.file_address) for edition in editions if edition.file), "") or next(
        (edition.url for edition in editions if edition.format == "PDF" and edition.url), ""
    )
    pairs = [("citation_title", resource.full_original_title)]
    pairs += [("citation_author", name) for name in resource.authors]
    pairs += [
        ("citation_publication_date", day(resource).replace("-", "/")),
        ("citation_language", resource.original_language),
        ("citation_journal_title", resource.journal),
    ]
    if resource.resource_type != "journal-article":
        pairs += [("citation_technical_report_institution", name) for name in publishers[:1]]
    pairs += [("citation_publisher", name) for name in publishers]
    pairs += [("citation_doi", resource.doi)]
    pairs += [("citation_isbn", edition.isbn) for edition in editions]
    pairs += [("citation_pdf_url", pdf), ("citation_public_url", address)]
    pairs += [
        ("DC.title", resource.full_original_title),
        ("DC.date", day(resource)),
        ("DC.language", resource.original_language),
    ]
    pairs += [("DC.creator", name) for name in resource.authors]
    pairs += [("DC.publisher", name) for name in publishers]
    pairs += [
        ("DC.identifier", f"doi:{resource.doi}" if resource.doi else address),
        ("DC.type", resource.resource_type),
    ]
    return [(name, content) for name, content in pairs if content]
