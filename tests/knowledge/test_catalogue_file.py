"""Catalogue files: all or nothing, idempotent, with a report that names line, column, value and reason."""

import csv
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ewaste_portal.models import User
from knowledge.catalogue_file import COLUMNS, TRANSLATION_COLUMNS, BadFile, Report, load_catalogue, load_translations
from knowledge.models import Edition, Resource
from tests.factories import EntityFactory, TopicFactory, UserFactory

pytestmark = pytest.mark.django_db

ROW = {
    "title": "Global Monitor", "title_language": "en", "subtitle": "Flows", "resource_type": "report", "year": "2020",
    "publishers": "ITU; UNITAR", "authors": "Forti, V.; Baldé, C.P.", "languages": "en", "topics": "statistics",
    "ewaste_categories": "lamps", "sdg_targets": "12.4; 12.5", "countries_or_regions": "GHA; Africa",
    "url": "https://example.org/monitor.pdf", "doi": "https://doi.org/10.1016/ABC", "isbn": "978-92-808-9054-9",
    "summary": "The flows of e-waste.", "verified": "yes", "source": "its imprint",
}  # fmt: skip


@pytest.fixture
def by() -> User:
    EntityFactory(official_name_en="International Telecommunication Union", short_name_en="ITU")
    EntityFactory(official_name_en="UNITAR")
    TopicFactory(slug="statistics")
    return UserFactory()


def write(path: Path, *rows: dict[str, Any], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def load(tmp_path: Path, by: User) -> Any:
    def _load(*rows: dict[str, Any], **options: Any) -> Report:
        return load_catalogue(write(tmp_path / "catalogue.csv", *rows), by=by, **options)

    return _load


def problems(load: Any, *rows: dict[str, Any]) -> list[tuple[int, str, str]]:
    with pytest.raises(BadFile) as refusal:
        load(*rows)
    return [(problem.line, problem.column, problem.value) for problem in refusal.value.problems]


def test_row_becomes_a_published_resource(load: Any, by: User) -> None:
    load(ROW)

    resource = Resource.objects.published().get()
    assert (resource.slug, resource.full_original_title, resource.year) == (
        "global-monitor",
        "Global Monitor: Flows",
        2020,
    )
    assert (resource.doi, resource.summary_en, resource.source) == (
        "10.1016/abc",
        "The flows of e-waste.",
        "its imprint",
    )
    assert resource.authors == ["Forti, V.", "Baldé, C.P."]
    assert [entity.official_name for entity in resource.publisher_entities] == [
        "International Telecommunication Union",
        "UNITAR",
    ]
    assert [topic.slug for topic in resource.topics.all()] == ["statistics"]
    assert (resource.categories, resource.sdg_targets) == (["lamps"], ["12.4", "12.5"])
    assert [country.iso3 for country in resource.countries.all()] == ["GHA"]
    assert [region.m49 for region in resource.regions.all()] == ["002"]
    assert resource.published_by == by


def test_row_brings_an_edition_per_language_and_the_isbn_to_the_original(load: Any) -> None:
    load({**ROW, "languages": "fr; en"})

    editions = Edition.objects.values_list("language", "isbn", "url", "format", "year")
    assert list(editions) == [
        ("fr", "", "https://example.org/monitor.pdf", "PDF", 2020),
        ("en", "9789280890549", "https://example.org/monitor.pdf", "PDF", 2020),
    ]


def test_row_that_is_only_known_stays_a_draft(load: Any) -> None:
    load({**ROW, "verified": "known"})

    assert Resource.objects.get().state == "draft"


def test_row_with_empty_cells_is_taken(load: Any) -> None:
    load({"title": "Law", "title_language": "en", "resource_type": "legislation", "languages": "en", "verified": "yes"})

    resource = Resource.objects.published().get()
    assert (resource.year, resource.doi, resource.editions.get().url, resource.rights) == (None, "", "", "unknown")


def test_rendering_of_a_title_is_marked_as_ours(load: Any) -> None:
    load({**ROW, "title": "廃棄物", "title_language": "ja", "languages": "ja", "title_en": "Waste"})

    resource = Resource.objects.get()
    assert (resource.title_en, resource.own_titles, resource.slug) == ("Waste", ["en"], "waste")


def test_edition_of_another_row_joins_its_work(load: Any) -> None:
    french = {
        **ROW, "edition_of": "Global Monitor", "title": "Suivi mondial", "title_language": "fr", "subtitle": "Flux",
        "languages": "fr", "isbn": "979-10-90636-07-1", "url": "https://example.org/suivi.pdf",
    }  # fmt: skip

    load(ROW, french)

    resource = Resource.objects.get()
    assert (resource.title_fr, resource.subtitle_fr, resource.own_titles) == ("Suivi mondial", "Flux", [])
    assert list(resource.editions.values_list("language", "title", "isbn")) == [
        ("en", "", "9789280890549"),
        ("fr", "Suivi mondial", "9791090636071"),
    ]


def test_second_reading_changes_nothing(load: Any) -> None:
    rows = (ROW, {**ROW, "title": "Other", "doi": "", "isbn": "", "verified": "known"})
    load(*rows)
    before = list(Resource.objects.order_by("pk").values()), list(Edition.objects.order_by("pk").values())

    report = load(*rows)

    assert str(report) == "nothing to do"
    assert (list(Resource.objects.order_by("pk").values()), list(Edition.objects.order_by("pk").values())) == before


def test_corrected_row_changes_its_resource(load: Any) -> None:
    load(ROW)

    report = load({**ROW, "summary": "Better words.", "url": "https://example.org/new.pdf"})

    resource = Resource.objects.get()
    assert (resource.summary_en, resource.editions.get().url) == ("Better words.", "https://example.org/new.pdf")
    assert report.counts == {"resources updated": 1, "editions updated": 1}


def test_report_counts_what_was_done(load: Any) -> None:
    report = load(ROW, {**ROW, "title": "Other", "doi": "", "isbn": "", "verified": "known"})

    assert report.counts == {"resources created": 2, "editions created": 2, "resources published": 1}


def test_dry_run_tells_and_takes_nothing(load: Any) -> None:
    report = load(ROW, dry_run=True)

    assert report.counts == {"resources created": 1, "editions created": 1, "resources published": 1}
    assert not Resource.objects.exists()


def test_equal_titles_get_slugs_of_their_own(load: Any) -> None:
    load(ROW, {**ROW, "year": "2021", "doi": "", "isbn": ""}, {**ROW, "year": "", "doi": "", "isbn": ""})

    assert sorted(Resource.objects.values_list("slug", flat=True)) == [
        "global-monitor",
        "global-monitor-2",
        "global-monitor-2021",
    ]


# What is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("title_language", ""),
        ("languages", ""),
        ("resource_type", ""),
        ("resource_type", "poem"),
        ("year", "MMXX"),
        ("published_on", "12/03/2020"),
        ("publishers", "Nobody"),
        ("topics", "cooking"),
        ("ewaste_categories", "cars"),
        ("sdg_targets", "99.9"),
        ("countries_or_regions", "Atlantis"),
        ("doi", "10.1/x"),
        ("isbn", "9789280890548"),
        ("url", "no address"),
        ("verified", "perhaps"),
    ],
)
def test_wrong_cell_is_named_and_nothing_is_taken(load: Any, column: str, value: str) -> None:
    found = problems(load, {**ROW, "title": "Good", "doi": "", "isbn": ""}, {**ROW, column: value})

    assert (3, column, value) in found
    assert {line for line, _column, _value in found} == {3}
    assert not Resource.objects.exists()


def test_all_problems_are_told_at_once(load: Any) -> None:
    found = problems(load, {**ROW, "topics": "cooking; gardening"}, {**ROW, "title": "Other", "resource_type": ""})

    assert found == [(2, "topics", "cooking"), (2, "topics", "gardening"), (3, "resource_type", "")]


def test_lines_are_counted_as_an_editor_counts_them(load: Any) -> None:
    found = problems(
        load, {**ROW, "summary": "Two\nlines", "doi": "", "isbn": ""}, {**ROW, "title": "Other", "topics": "cooking"}
    )

    assert found == [(4, "topics", "cooking")]


@pytest.mark.parametrize(("column", "value"), [("year", "1900"), ("published_on", "2019-03-01")])
def test_cell_that_a_rule_of_the_table_refuses_is_named(load: Any, column: str, value: str) -> None:
    assert problems(load, {**ROW, column: value})[0] == (2, column, value)


def test_day_outside_its_year_is_told_and_not_raised(load: Any) -> None:
    found = problems(load, {**ROW, "published_on": "2019-03-01"})

    assert [line for line, _column, _value in found] == [2]


def test_isbn_that_two_rows_claim_is_told(load: Any) -> None:
    found = problems(load, ROW, {**ROW, "title": "Other", "doi": ""})

    assert [line for line, _column, _value in found] == [3]


def test_edition_of_an_unknown_work_is_told(load: Any) -> None:
    assert problems(load, {**ROW, "edition_of": "Nothing of this name"}) == [(2, "edition_of", "Nothing of this name")]


def test_title_that_is_too_long_is_told(load: Any) -> None:
    assert [(line, column) for line, column, _value in problems(load, {**ROW, "title": "x" * 501})] == [(2, "title")]


def test_missing_column_is_named(tmp_path: Path, by: User) -> None:
    path = write(tmp_path / "short.csv", {"title": "A"}, columns=("title", "year"))

    with pytest.raises(BadFile) as refusal:
        load_catalogue(path, by=by)

    assert "resource_type" in refusal.value.problems[0].column


def test_file_that_is_not_utf_8_is_refused(tmp_path: Path, by: User) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes((",".join(COLUMNS) + "\nDéchets\n").encode("latin-1"))

    with pytest.raises(BadFile, match="1 problem"):
        load_catalogue(path, by=by)


def test_row_with_too_few_cells_is_told(tmp_path: Path, by: User) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text(",".join(COLUMNS) + "\nOnly a title\n", encoding="utf-8")

    with pytest.raises(BadFile) as refusal:
        load_catalogue(path, by=by)

    assert {problem.line for problem in refusal.value.problems} == {2}


def test_byte_order_mark_does_not_matter(tmp_path: Path, by: User) -> None:
    path = write(tmp_path / "excel.csv", ROW)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    load_catalogue(path, by=by)

    assert Resource.objects.count() == 1


# Translations ---------------------------------------------------------------------------------------------


def test_translation_brings_summary_and_a_title_of_ours(load: Any, tmp_path: Path) -> None:
    load(ROW)
    row = {
        "title": "Global Monitor",
        "year": "2020",
        "title_translation": "Мониторинг",
        "summary_translation": "Потоки.",
    }

    load_translations(write(tmp_path / "ru.csv", row, columns=TRANSLATION_COLUMNS), language="ru")

    resource = Resource.objects.get()
    assert (resource.title_ru, resource.summary_ru, resource.own_titles) == ("Мониторинг", "Потоки.", ["ru"])


def test_translation_never_overwrites_the_title_of_the_publisher(load: Any, tmp_path: Path) -> None:
    load(
        ROW,
        {
            **ROW,
            "edition_of": "Global Monitor",
            "title": "Suivi",
            "title_language": "fr",
            "languages": "fr",
            "isbn": "",
        },
    )
    row = {"title": "Global Monitor", "year": "2020", "title_translation": "Moniteur", "summary_translation": "Flux."}

    load_translations(write(tmp_path / "fr.csv", row, columns=TRANSLATION_COLUMNS), language="fr")

    resource = Resource.objects.get()
    assert (resource.title_fr, resource.summary_fr, resource.own_titles) == ("Suivi", "Flux.", [])


def test_translation_of_an_unknown_row_is_told(by: User, tmp_path: Path) -> None:
    path = write(tmp_path / "es.csv", {"title": "Nada", "year": "2020"}, columns=TRANSLATION_COLUMNS)

    with pytest.raises(BadFile) as refusal:
        load_translations(path, language="es")

    assert [(problem.line, problem.value) for problem in refusal.value.problems] == [(2, "Nada")]


# The command, and what ships ----------------------------------------------------------------------------------


def test_command_prints_its_report(tmp_path: Path, by: User, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "catalogue.csv", ROW)

    call_command("load_catalogue", path, by=by.email)

    assert capsys.readouterr().out == "catalogue.csv: 1 resources created, 1 editions created, 1 resources published.\n"
    assert Resource.objects.get().published_by == by


def test_command_says_what_is_wrong(tmp_path: Path, by: User) -> None:
    path = write(tmp_path / "catalogue.csv", {**ROW, "topics": "cooking"})

    with pytest.raises(CommandError, match=r"line 2, topics: 'cooking': not known here"):
        call_command("load_catalogue", path)
    with pytest.raises(CommandError, match="no file"):
        call_command("load_catalogue", tmp_path / "absent.csv")
    with pytest.raises(CommandError, match="Nobody"):
        call_command("load_catalogue", path, by="nobody@example.org")


def test_shipped_catalogue_has_every_row_and_only_verified_ones_are_published(catalogue: None) -> None:
    assert Resource.objects.published().count() + Edition.objects.published().exclude(title="").count() >= 155
    assert Resource.objects.waiting().exists()
    assert not Resource.objects.published().filter(editions=None).exists()


def test_shipped_content_can_be_loaded_again_and_changes_nothing(
    catalogue: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(Resource.objects.order_by("pk").values("pk", "modified_at", "state"))

    call_command("load_demo")

    assert "Catalogue: nothing to do." in capsys.readouterr().out
    assert list(Resource.objects.order_by("pk").values("pk", "modified_at", "state")) == before
