"""Citations, read back by the programs that readers use: reference managers know no mercy with a stray brace."""

import json
from datetime import date
from typing import Any

import bibtexparser
import pytest
import rispy
from bibtexparser.bparser import BibTexParser
from django.test import Client

from knowledge.models import Resource
from tests.factories import EntityFactory, published_resource
from tests.pages import read

pytestmark = pytest.mark.django_db

ARABIC = {
    "original_title": "إدارة النفايات الإلكترونية",
    "original_language": "ar",
    "authors": ["الخطيب, ليلى", "محمد عبد الله"],
}


def cited(resource: Resource, ending: str) -> str:
    response = Client().get(f"/en/resources/{resource.slug}.{ending}")
    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="{resource.slug}.{ending}"'
    assert response["X-Robots-Tag"] == "noindex"
    return response.content.decode()


def bibtex(resource: Resource) -> dict[str, str]:
    (entry,) = bibtexparser.loads(cited(resource, "bib"), BibTexParser(ignore_nonstandard_types=False)).entries
    return entry


def plain(text: str) -> str:
    """What LaTeX would print."""
    names = {"backslash": "\0", "asciitilde": "~", "asciicircum": "^", "braceleft": "{", "braceright": "}"}
    for name, character in names.items():
        text = text.replace(f"\\text{name}{{}}", character)
    return text.replace("\\", "").replace("\0", "\\")


def ris(resource: Resource) -> dict[str, Any]:
    (entry,) = rispy.loads(cited(resource, "ris"))
    return entry


def csl(resource: Resource) -> dict[str, Any]:
    (item,) = json.loads(cited(resource, "json"))
    return item


@pytest.fixture
def article(db: None) -> Resource:
    return published_resource(
        slug="article",
        resource_type="journal-article",
        original_title="E-waste in Ghana",
        original_subtitle="a survey",
        authors=["Amoyaw-Osei, Y.", "van der Berg, Jan", "WHO Working Group"],
        journal="Waste & Resources",
        publishers=[EntityFactory(official_name_en="Elsevier {B.V.}")],
        published_on=date(2019, 8, 3),
        year=2019,
        doi="10.1016/j.wasman.2019.08.012",
        summary_en="First line.\nER  - not the end.",
        editions=[{"language": "en", "url": "https://example.org/a_b%20c?x=1&y=2#z"}],
    )


def test_bibtex_of_an_article_comes_back_whole(article: Resource) -> None:
    entry = bibtex(article)

    assert plain(entry.pop("publisher")) == "Elsevier {B.V.}"
    assert entry == {
        "ENTRYTYPE": "article",
        "ID": "amoyawosei2019",
        "author": "Amoyaw-Osei, Y. and van der Berg, Jan and {WHO Working Group}",
        "title": "{E-waste in Ghana: a survey}",
        "year": "2019",
        "journal": r"Waste \& Resources",
        "doi": "10.1016/j.wasman.2019.08.012",
        "url": "https://example.org/a_b%20c?x=1&y=2#z",
        "langid": "en",
    }


def test_ris_of_an_article_comes_back_whole(article: Resource) -> None:
    assert ris(article) == {
        "type_of_reference": "JOUR",
        "id": "article",
        "title": "E-waste in Ghana: a survey",
        "authors": ["Amoyaw-Osei, Y.", "van der Berg, Jan", "WHO Working Group"],
        "year": "2019",
        "date": "2019/08/03",
        "secondary_title": "Waste & Resources",
        "publisher": "Elsevier {B.V.}",
        "doi": "10.1016/j.wasman.2019.08.012",
        "language": "en",
        "urls": ["https://example.org/a_b%20c?x=1&y=2#z"],
        "abstract": "First line. ER - not the end.",
    }


def test_ris_lines_end_as_the_format_asks(article: Resource) -> None:
    lines = cited(article, "ris").split("\r\n")

    assert (lines[0], lines[-2:]) == ("TY  - JOUR", ["ER  - ", ""])
    assert [line for line in lines if "\n" in line or "\r" in line] == []


def test_csl_json_of_an_article_comes_back_whole(article: Resource) -> None:
    assert csl(article) == {
        "id": "article",
        "type": "article-journal",
        "title": "E-waste in Ghana: a survey",
        "author": [
            {"family": "Amoyaw-Osei", "given": "Y."},
            {"family": "van der Berg", "given": "Jan"},
            {"literal": "WHO Working Group"},
        ],
        "container-title": "Waste & Resources",
        "publisher": "Elsevier {B.V.}",
        "language": "en",
        "DOI": "10.1016/j.wasman.2019.08.012",
        "URL": "https://example.org/a_b%20c?x=1&y=2#z",
        "issued": {"date-parts": [[2019, 8, 3]]},
    }


@pytest.mark.parametrize(
    "title",
    [
        "Braces {unbalanced",
        "Closing } brace",
        "R&D: 100 % of $5 #1_a ~ ^ \\ backslash",
        "Quotes \"double\" and 'single'",
        "@article{inner, title = {x}}",
        "Déchets électriques 电子废物 نفايات Отходы",
        "ER  - not the end",
    ],
)
def test_any_title_survives_every_format(title: str) -> None:
    resource = published_resource(original_title=title)

    assert plain(bibtex(resource)["title"][1:-1]) == title
    assert ris(resource)["title"] == " ".join(title.split())
    assert csl(resource)["title"] == title


def test_arabic_names_keep_their_parts_in_every_format() -> None:
    resource = published_resource(**ARABIC)

    assert bibtex(resource)["author"] == "الخطيب, ليلى and {محمد عبد الله}"
    assert bibtex(resource)["ID"] == "resource2020"
    assert ris(resource)["authors"] == ["الخطيب, ليلى", "محمد عبد الله"]
    assert csl(resource)["author"] == [{"family": "الخطيب", "given": "ليلى"}, {"literal": "محمد عبد الله"}]


def test_name_with_and_or_a_brace_stays_one_author() -> None:
    resource = published_resource(authors=["Institute for Research and Training", "O'Neil {Jr}, A. & B."])

    assert plain(bibtex(resource)["author"]) == "{Institute for Research and Training} and O'Neil {Jr}, A. & B."
    assert ris(resource)["authors"] == ["Institute for Research and Training", "O'Neil {Jr}, A. & B."]


def test_surname_with_and_in_it_stays_one_author() -> None:
    resource = published_resource(authors=["Research and Training, Institute of"])

    names = bibtexparser.customization.author(dict(bibtex(resource)))["author"]
    assert len(names) == 1


def test_report_without_authors_is_cited_by_its_publishers() -> None:
    who = EntityFactory(official_name_en="World Health Organization", short_name_en="WHO")
    resource = published_resource(publishers=[who, EntityFactory(official_name_en="ITU & Partners")], slug="report")

    assert bibtex(resource)["institution"] == r"World Health Organization; ITU \& Partners"
    assert bibtex(resource)["ENTRYTYPE"] == "techreport"
    assert "author" not in bibtex(resource)
    text = read(Client().get("/en/resources/report/")).one(class_="cite__text").text
    assert text.startswith("World Health Organization; ITU & Partners (2020). ")


def test_citation_is_of_the_original_title_in_every_language() -> None:
    published_resource(
        slug="it", original_title="A title", title_ar="عنوان", editions=[{"url": "https://example.org/a"}]
    )

    text = read(Client().get("/ar/resources/it/")).one(class_="cite__text").text
    (item,) = json.loads(Client().get("/ar/resources/it.json").content)

    assert text == "A title (2020). https://example.org/a"
    assert item["title"] == "A title"


def test_citation_of_several_authors_reads_like_apa(article: Resource) -> None:
    text = read(Client().get("/en/resources/article/")).one(class_="cite__text").text

    assert text == (
        "Amoyaw-Osei, Y., van der Berg, Jan & WHO Working Group (2019). E-waste in Ghana: a survey. Waste & Resources. "
        "https://doi.org/10.1016/j.wasman.2019.08.012"
    )


def test_unknown_year_is_said_and_left_out() -> None:
    resource = published_resource(slug="undated", year=None, authors=["Doe, J."])

    assert "year" not in bibtex(resource)
    assert "year" not in ris(resource)
    assert "issued" not in csl(resource)
    assert "Doe, J. (n.d.)." in read(Client().get("/en/resources/undated/")).one(class_="cite__text").text


def test_citation_without_an_online_copy_gives_the_page_of_the_portal() -> None:
    resource = published_resource(slug="paper-only", editions=[{"url": "", "isbn": "9789240023901"}])

    assert csl(resource)["URL"] == "http://localhost:8000/en/resources/paper-only/"
    assert bibtex(resource)["isbn"] == csl(resource)["ISBN"] == "9789240023901"
    assert ris(resource)["issn"] == "9789240023901"


@pytest.mark.parametrize(
    ("ending", "media_type"),
    [
        ("bib", "application/x-bibtex"),
        ("ris", "application/x-research-info-systems"),
        ("json", "application/vnd.citationstyles.csl+json"),
    ],
)
def test_files_say_what_they_are(article: Resource, ending: str, media_type: str) -> None:
    assert Client().get(f"/en/resources/article.{ending}")["Content-Type"] == f"{media_type}; charset=utf-8"
