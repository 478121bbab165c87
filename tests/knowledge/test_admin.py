"""The back office of the library: who may do what, steps, history, duplicates, files."""

import csv
import io
from typing import Any

import openpyxl
import pytest
import tablib
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.fields.files import FieldFile
from django.test import Client
from django.urls import reverse

from ewaste_portal.models import User
from knowledge import duplicates, permissions
from knowledge.catalogue_file import COLUMNS
from knowledge.imports import ResourceFile
from knowledge.management.commands.load_demo import DATA, load_groups
from knowledge.models import Edition, Resource, Topic
from tests.coalition.factories import initiative
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    SynonymFactory,
    TopicFactory,
    UserFactory,
    published_resource,
    withdrawn_resource,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/knowledge/resource/"


def member(group: str) -> Client:
    load_groups()
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor() -> Client:
    return member(permissions.EDITORS)


@pytest.fixture
def publisher() -> Client:
    return member(permissions.PUBLISHERS)


def act(client: Client, action: str, *resources: Resource, **data: Any) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [item.pk for item in resources], **data})


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def state(resource: Resource) -> str:
    return Resource.objects.values_list("state", flat=True).get(pk=resource.pk)


def form_data(client: Client, resource: Resource | None = None) -> dict[str, Any]:
    """What a browser would send back of the form as it stands."""
    url = f"{LIST}{resource.pk}/change/" if resource else f"{LIST}add/"
    context = client.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for field in form:
            value = field.value()
            if isinstance(value, FieldFile):
                continue  # a browser sends a file only when one was chosen
            data[field.html_name] = field.field.prepare_value(value) if value is not None else ""
    return {name: value for name, value in data.items() if value is not False}


# Permissions and steps -------------------------------------------------------------------


def test_editor_may_change_a_draft_but_only_read_what_is_published(editor: Client) -> None:
    draft, published = ResourceFactory(), published_resource()

    answers = [editor.get(f"{LIST}{item.pk}/change/").context["has_change_permission"] for item in (draft, published)]

    assert answers == [True, False]


def test_editor_has_no_way_to_publish(editor: Client) -> None:
    resource = EditionFactory().resource

    act(editor, "publish", resource)
    editor.post(f"{LIST}{resource.pk}/change/", {**form_data(editor, resource), "_step": "publish"})

    assert state(resource) == "draft"


def test_editor_submits_and_publisher_publishes(editor: Client, publisher: Client) -> None:
    resource = EditionFactory().resource

    act(editor, "submit", resource)
    submitted = state(resource)
    act(publisher, "publish", resource)

    assert (submitted, state(resource)) == ("in-review", "published")


def test_bulk_publishing_does_what_can_be_done_and_names_the_rest(publisher: Client) -> None:
    ready, bare, gone = (
        EditionFactory().resource,
        ResourceFactory(original_title="Bare"),
        withdrawn_resource(original_title="Gone"),
    )

    response = act(publisher, "publish", ready, bare, gone)

    assert [state(item) for item in (ready, bare, gone)] == ["published", "draft", "withdrawn"]
    assert sorted(said(response)) == [
        "1 resource was published.",
        "“Bare” has no edition: add one, with its language, before it is published.",
        "“Gone” is in the state “Withdrawn”: this step is not open to it.",
    ]


def test_withdrawing_asks_for_a_reason_and_names_the_resource(publisher: Client) -> None:
    resource = published_resource(original_title="Old guideline")

    page = act(publisher, "withdraw", resource)
    without_reason = act(publisher, "withdraw", resource, confirmed="yes", reason=" ")
    still = state(resource)
    act(publisher, "withdraw", resource, confirmed="yes", reason="Superseded.")

    assert "Old guideline" in page.content.decode()
    assert without_reason.context["form"].errors == {"reason": ["This field is required."]}
    assert (still, state(resource)) == ("published", "withdrawn")
    assert Resource.objects.get().withdrawal_reason == "Superseded."


def test_form_saves_and_takes_the_step(publisher: Client) -> None:
    resource = EditionFactory().resource

    publisher.post(
        f"{LIST}{resource.pk}/change/", {**form_data(publisher, resource), "journal": "Waste", "_step": "publish"}
    )

    assert (state(resource), Resource.objects.get().journal) == ("published", "Waste")


def test_button_withdraw_leads_to_the_page_that_asks_why(publisher: Client) -> None:
    resource = published_resource()

    response = publisher.post(
        f"{LIST}{resource.pk}/change/", {**form_data(publisher, resource), "_step": "withdraw"}, follow=True
    )

    assert response.context["title"] == "Withdraw resources"
    assert state(resource) == "published"


def test_state_cannot_be_sent_with_the_form(publisher: Client) -> None:
    resource = EditionFactory().resource

    publisher.post(f"{LIST}{resource.pk}/change/", {**form_data(publisher, resource), "state": "published"})

    assert state(resource) == "draft"


def test_set_topics_adds_or_replaces(publisher: Client) -> None:
    old, new = TopicFactory(), TopicFactory()
    kept, replaced = ResourceFactory(topics=[old]), ResourceFactory(topics=[old])

    act(publisher, "set_topics", kept, confirmed="yes", topics=[new.pk])
    act(publisher, "set_topics", replaced, confirmed="yes", topics=[new.pk], replace="on")

    assert [set(item.topics.all()) for item in (kept, replaced)] == [{old, new}, {new}]


def test_editor_cannot_set_topics_of_what_is_published(editor: Client) -> None:
    topic, resource = TopicFactory(), published_resource()

    act(editor, "set_topics", resource, confirmed="yes", topics=[topic.pk])

    assert not resource.topics.exists()


def test_what_was_published_cannot_be_deleted(publisher: Client) -> None:
    draft, published = ResourceFactory(), published_resource()

    codes = [publisher.post(f"{LIST}{item.pk}/delete/", {"post": "yes"}).status_code for item in (draft, published)]

    assert codes == [302, 403]
    assert list(Resource.objects.all()) == [published]


def test_last_edition_of_a_published_resource_stays(publisher: Client) -> None:
    resource = published_resource()

    response = publisher.post(
        f"{LIST}{resource.pk}/change/", {**form_data(publisher, resource), "editions-0-DELETE": "on", "_save": "Save"}
    )

    assert "The last edition of a published resource cannot go." in response.content.decode()
    assert resource.editions.count() == 1


def test_lists_of_texts_are_one_in_each_line(publisher: Client) -> None:
    resource = ResourceFactory(authors=["Baldé, C.P.", "Forti, V."])
    data = form_data(publisher, resource)

    publisher.post(f"{LIST}{resource.pk}/change/", {**data, "symbols": "L.1031\r\n\r\nL.1032", "_save": "Save"})

    resource.refresh_from_db()
    assert data["authors"] == "Baldé, C.P.\nForti, V."
    assert (resource.authors, resource.symbols) == (["Baldé, C.P.", "Forti, V."], ["L.1031", "L.1032"])


# Preview ---------------------------------------------------------------------------------------


def test_preview_shows_a_draft_to_staff_alone(editor: Client, client: Client) -> None:
    resource = EditionFactory(resource__original_title="Not yet public").resource
    url = reverse("admin:knowledge_resource_preview", args=[resource.pk])
    client.force_login(UserFactory())

    assert "Not yet public" in editor.get(url).content.decode()
    assert client.get(url).status_code == 302
    assert client.get(resource.get_absolute_url()).status_code == 404


# History -----------------------------------------------------------------------------------------


def test_history_shows_translated_columns_and_editions_with_who(editor: Client) -> None:
    resource = EditionFactory(resource__title_fr="Avant").resource
    data = {
        **form_data(editor, resource),
        "title_fr": "Après",
        "editions-0-url": "https://example.org/new.pdf",
        "_save": "Save",
    }

    editor.post(f"{LIST}{resource.pk}/change/", data)
    response = editor.get(f"{LIST}{resource.pk}/history/")

    who = str(User.objects.get(is_staff=True))
    rows = {
        (entry.who, entry.what, change.label, change.language, change.old, change.new)
        for entry in response.context["page"]
        for change in entry.changes
    }
    assert (who, "", "Title", "fr", "Avant", "Après") in rows
    assert (who, "edition (en)", "Address") in {row[:3] for row in rows}
    assert "<del>Avant</del>" in response.content.decode()


# Duplicates ------------------------------------------------------------------------------------------


def test_saving_warns_of_a_near_title_with_a_link(editor: Client) -> None:
    other = published_resource(original_title="The Global E-waste Monitor 2020: quantities, flows")
    published_resource(original_title="The Global E-waste Monitor 2024: quantities, flows")
    resource = ResourceFactory(original_title="Something else")
    data = {
        **form_data(editor, resource),
        "original_title": "Global e-waste monitor 2020: quantities and flows",
        "_save": "Save",
    }

    response = editor.post(f"{LIST}{resource.pk}/change/", data)

    warnings = [text for text in said(response) if "may be the same work" in text]
    assert len(warnings) == 1
    assert f'href="{LIST}{other.pk}/change/"' in warnings[0]


def test_saving_refuses_a_taken_doi_however_it_is_written(editor: Client) -> None:
    published_resource(original_title="The first", doi="10.1016/j.wasman.2019.08.012")
    resource = ResourceFactory()
    data = {**form_data(editor, resource), "doi": "https://doi.org/10.1016/J.WASMAN.2019.08.012", "_save": "Save"}

    response = editor.post(f"{LIST}{resource.pk}/change/", data)

    assert "The first</a> already has this DOI." in response.content.decode()


def test_saving_refuses_a_taken_isbn_and_names_its_resource(editor: Client) -> None:
    EditionFactory(resource__original_title="The first", isbn="9789280891065")
    resource = EditionFactory().resource
    data = {**form_data(editor, resource), "editions-0-isbn": "978-92-808-9106-5", "_save": "Save"}

    response = editor.post(f"{LIST}{resource.pk}/change/", data)

    assert "The first</a> already has this ISBN." in response.content.decode()


def test_suspects_are_equal_titles_and_near_ones_of_what_waits() -> None:
    first = published_resource(original_title="E-waste: an Overview")
    second = published_resource(original_title="E waste, an overview!")
    published_resource(original_title="E-waste monitor of Ghana 2020")
    draft = ResourceFactory(original_title="Recycling of batteries in Kenya: a survey")
    near = published_resource(original_title="Recycling of batteries in Kenya: survey")
    ResourceFactory(original_title="Recycling of batteries in Kenya: a survey 2")

    pairs = {(a, b) for a, b, _likeness in duplicates.suspects()}

    assert pairs == {(first.pk, second.pk), (draft.pk, near.pk)}


def test_editor_finds_initiatives_and_links_them_to_a_draft(editor: Client) -> None:
    draft, row = ResourceFactory(), initiative("Lamps back")
    query = {"app_label": "knowledge", "model_name": "resource", "field_name": "initiatives", "term": "lamps"}

    offered = editor.get(reverse("admin:autocomplete"), query).json()["results"]
    editor.post(f"{LIST}{draft.pk}/change/", {**form_data(editor, draft), "initiatives": [row.pk], "_save": "Save"})

    assert [line["text"] for line in offered] == ["Lamps back"]
    assert list(draft.initiatives.all()) == [row]


def test_start_page_counts_what_waits(publisher: Client) -> None:
    ResourceFactory(original_title="Batteries in Fiji")
    published_resource(original_title="Panels in Peru", editions=[{"url": ""}])
    published_resource(original_title="Phones in Mali")

    response = publisher.get("/admin/")

    assert {line.label: line.count for line in response.context["waiting"]} == {
        "In review": 0,
        "Drafts": 1,
        "Links missing": 1,
        "Suspected duplicates": 0,
    }
    assert "Batteries in Fiji" in {entry.what for entry in response.context["latest_changes"]}


# Files -----------------------------------------------------------------------------------------------------


def upload(client: Client, content: bytes, name: str = "rows.csv", number: int = 0) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"{LIST}import/", {"import_file": file, "format": number, "resource": ""})


def confirm(client: Client, response: Any) -> Any:
    return client.post(f"{LIST}process_import/", response.context["confirm_form"].initial)


def as_csv(*rows: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_dry_run_shows_the_difference_and_changes_nothing(publisher: Client) -> None:
    ResourceFactory(slug="known", summary_fr="une phrase", authors=["A, B"])

    response = upload(publisher, as_csv({"slug": "known", "summary_fr": "une <b>autre</b> phrase", "authors": "A, B"}))

    assert "<del>une</del>" not in response.content.decode()
    assert "<ins>&lt;b&gt;autre&lt;/b&gt;</ins>" in response.content.decode()
    assert "style=" not in response.content.decode()
    assert Resource.objects.get().summary_fr == "une phrase"


def test_import_brings_new_rows_as_drafts_with_editions_and_publishers(publisher: Client) -> None:
    EntityFactory(slug="unep")
    EntityFactory(slug="itu")
    row = {
        "slug": "new", "resource_type": "report", "original_title": "New", "original_language": "en", "year": "2020",
        "publishers": "unep; itu", "topics": "", "countries": "GHA", "symbols": "L.1031; L.1032",
        "editions": "en | https://example.org/new.pdf | 978-92-808-9106-5 | PDF | 12\nfr", "state": "published",
    }  # fmt: skip

    confirm(publisher, upload(publisher, as_csv(row)))

    resource = Resource.objects.get(slug="new")
    assert [entity.slug for entity in resource.publisher_entities] == ["unep", "itu"]
    assert (resource.state, resource.symbols) == ("draft", ["L.1031", "L.1032"])
    assert list(resource.editions.values_list("language", "isbn", "pages")) == [
        ("en", "9789280891065", 12),
        ("fr", "", None),
    ]


def test_one_bad_row_and_nothing_is_imported(publisher: Client) -> None:
    good = {
        "slug": "good",
        "resource_type": "report",
        "original_title": "Good",
        "original_language": "en",
        "topics": "",
    }
    bad = {**good, "slug": "bad", "topics": "no-such-topic"}

    response = upload(publisher, as_csv(good, bad))

    assert "Not known here: no-such-topic." in response.content.decode()
    assert "confirm_form" not in response.context
    assert not Resource.objects.exists()


def test_catalogue_file_is_understood(publisher: Client) -> None:
    EntityFactory(official_name_en="United Nations University", short_name_en="UNU", slug="unu")
    row = dict.fromkeys(COLUMNS, "") | {
        "title": "Le rapport", "title_language": "fr", "title_en": "The report", "resource_type": "report", "year": "2020",
        "publishers": "UNU", "languages": "fr; en", "url": "https://example.org/r.pdf", "verified": "yes",
        "countries_or_regions": "GHA; Africa",
    }  # fmt: skip
    sibling = row | {
        "title": "El informe",
        "title_language": "es",
        "title_en": "",
        "languages": "es",
        "edition_of": "Le rapport",
    }

    confirm(publisher, upload(publisher, as_csv(row, sibling)))
    again = upload(publisher, as_csv(row, sibling))

    resource = Resource.objects.get()
    assert (resource.slug, resource.state, resource.title_en, resource.title_es) == (
        "the-report",
        "draft",
        "The report",
        "El informe",
    )
    assert sorted(resource.editions.values_list("language", flat=True)) == ["en", "es", "fr"]
    assert [row.import_type for row in again.context["result"].rows] == ["skip"]


def test_editor_cannot_change_what_is_published_by_a_file(editor: Client) -> None:
    published_resource(slug="public", journal="")

    response = upload(editor, as_csv({"slug": "public", "journal": "Changed"}))

    assert "only those who publish may change it" in response.content.decode()


def export(client: Client, number: int) -> bytes:
    page = client.get(f"{LIST}export/")
    columns = {
        field.html_name: "on" for field in page.context["form"] if getattr(field.field, "is_selectable_field", False)
    }
    return client.post(f"{LIST}export/", {"format": number, "resource": "", **columns}).content


def test_export_holds_every_column_and_no_formula(publisher: Client) -> None:
    entity = EntityFactory(slug="unep")
    resource = ResourceFactory(slug="one", original_title='=HYPERLINK("x")', title_ar="تقرير", publishers=[entity])
    EditionFactory(resource=resource, url="https://example.org/a.pdf")

    (row,) = csv.DictReader(io.StringIO(export(publisher, 0).decode()))
    sheet = openpyxl.load_workbook(io.BytesIO(export(publisher, 1))).active

    assert row["original_title"] == '\'=HYPERLINK("x")'
    assert (row["title_ar"], row["publishers"], row["editions"]) == (
        "تقرير",
        "unep",
        "en | https://example.org/a.pdf |  | PDF",
    )
    assert '\'=HYPERLINK("x")' in [cell.value for cell in sheet[2]]
    assert "f" not in {cell.data_type for cell in sheet[2]}


@pytest.mark.parametrize("number", [0, 1])
def test_an_export_comes_back_without_a_change(publisher: Client, number: int) -> None:
    published_resource(
        original_title="=1+1", publishers=[EntityFactory()], topics=[TopicFactory()], title_fr="Un", authors=["A, B"]
    )

    response = upload(publisher, export(publisher, number), number=number)

    assert [row.import_type for row in response.context["result"].rows] == ["skip"]


# Lists ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "make"),
    [
        (LIST, lambda: published_resource(publishers=[EntityFactory()], topics=[TopicFactory()])),
        ("/admin/knowledge/topic/", TopicFactory),
        ("/admin/knowledge/synonym/", SynonymFactory),
        ("/admin/coalition/entity/", EntityFactory),
        ("/admin/ewaste_portal/user/", UserFactory),
    ],
)
def test_list_asks_the_same_number_of_queries_for_1_and_3_rows(
    admin_client: Client, path: str, make: Any, django_assert_max_num_queries: Any
) -> None:
    make()
    admin_client.get(path)
    with django_assert_max_num_queries(25) as one:
        admin_client.get(path)
    make()
    make()

    with django_assert_max_num_queries(len(one)):
        admin_client.get(path)


def test_search_finds_an_isbn_and_a_doi_however_written(publisher: Client) -> None:
    resource = EditionFactory(isbn="9789280891065", resource__doi="10.1016/j.x.2019").resource
    EditionFactory()

    found = [
        list(publisher.get(LIST, {"q": words}).context["cl"].result_list)
        for words in ("978-92-808-9106-5", "https://doi.org/10.1016/J.X.2019")
    ]

    assert found == [[resource], [resource]]


def test_filter_links_missing_lists_what_has_no_address(publisher: Client) -> None:
    missing = published_resource(editions=[{"url": ""}])
    published_resource()

    response = publisher.get(LIST, {"links_missing": "yes"})

    assert list(response.context["cl"].result_list) == [missing]
    assert Edition.objects.count() == 2
    assert Topic.objects.count() == 0


@pytest.mark.usefixtures("catalogue")
def test_the_shipped_catalogue_changes_nothing_when_it_is_imported_again() -> None:
    dataset = tablib.Dataset().load((DATA / "resources.csv").read_text(encoding="utf-8"), format="csv")

    result = ResourceFile().import_data(dataset, dry_run=True)

    assert {row.import_type for row in result.rows} == {"skip"}
    assert len(result.rows) == Resource.objects.count()
