"""Documents and statements: who gets which file and when, what is in the ZIP, how a statement comes to be public."""

import hashlib
import io
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from coalition.models import Mandate
from dialogue import packing, papers
from dialogue.actions import papers as actions
from dialogue.attending import ATTENDANCES
from dialogue.groups import load_groups
from dialogue.models import Change, Dialogue, Document, Statement
from dialogue.permissions import EVENT_MANAGERS
from ewaste_portal.models import User
from tests.coalition.factories import focal_point
from tests.dialogue.factories import attendance, dialogue, draft, session, upcoming
from tests.factories import EntityFactory, ResourceFactory, UserFactory, published_resource, withdrawn_resource
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

HTML = b"<!DOCTYPE html><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def staff() -> User:
    load_groups()
    user: User = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=EVENT_MANAGERS))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def office(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def pdf(pages: int = 1, width: int = 200) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _page in range(pages):
        document.new_page(width, 200)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    return out.getvalue()


def upload(content: bytes, name: str = "paper.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/pdf")


def document(of: Dialogue | None = None, content: bytes | None = None, **facts: Any) -> Document:
    """A public file in English, unless it is told otherwise."""
    if "resource" not in facts:
        facts = {"title_en": "Programme", "language": "en", "file": upload(content or pdf()), **facts}
    row = Document(**{"dialogue": of or dialogue(), "document_type": "programme", **facts})
    return actions.keep_document(document=row, by=UserFactory())


def address(of: Document | Statement) -> str:
    kind = "documents" if isinstance(of, Document) else "statements"
    return f"/en/dialogues/{of.dialogue.slug}/{kind}/{of.uid}/"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def get(client: Client, address: str, **headers: str) -> Any:
    """The answer, read to its end, which closes its file."""
    response = client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})
    body(response)
    return response


def status(client: Client, address: str) -> int:
    return int(get(client, address).status_code)


def page(client: Client, event: Dialogue, language: str = "en") -> Element:
    response = client.get(f"/{language}/dialogues/{event.slug}/documents/")
    assert response.status_code == 200
    return read(response)


def titles(client: Client, event: Dialogue) -> list[str]:
    tables = page(client, event).all("table")
    return [row.one("th", scope="row").all("a")[0].text for table in tables for row in table.one("tbody").all("tr")]


def package(client: Client, event: Dialogue) -> zipfile.ZipFile:
    response = client.get(f"/en/dialogues/{event.slug}/documents.zip")
    assert response.status_code == 200
    return zipfile.ZipFile(io.BytesIO(body(response)))


def seated(event: Dialogue) -> Client:
    """A browser in which somebody opened the personal link of a registration that has a place."""
    row, client = attendance(event), Client()
    kept = client.session
    kept[ATTENDANCES] = {str(event.uid): str(row.uid)}
    kept.save()
    client.cookies["sessionid"] = kept.session_key
    return client


# Files that staff keep -----------------------------------------------------------------------------------------


def test_a_file_is_described_by_its_content() -> None:
    content = pdf(3)

    row = document(content=content, file=upload(content, "../../evil.html"))

    row.refresh_from_db()
    assert (row.sha256, row.size, row.page_count) == (hashlib.sha256(content).hexdigest(), len(content), 3)
    assert row.file.name == f"dialogues/{row.sha256[:16]}.pdf"


def test_a_picture_has_no_pages() -> None:
    row = document(document_type="photo", file=upload(png(), "photo.pdf"))

    assert (row.page_count, row.file.name.endswith(".png")) == (None, True)


@pytest.mark.parametrize("content", [b"", HTML, b"%PDF-1.7 " + HTML, b"PK\x03\x04", b"<svg xmlns='x'/>"])
def test_what_is_neither_pdf_nor_picture_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        document(file=upload(content))
    assert not Document.objects.exists()


def test_the_database_refuses_a_file_without_hash() -> None:
    row = document()

    with pytest.raises(IntegrityError, match="file_has_title_language_and_hash"), transaction.atomic():
        Document.objects.filter(pk=row.pk).update(sha256="")


def test_a_file_needs_a_title_and_a_language() -> None:
    for lacking in ({"title_en": ""}, {"language": ""}):
        with pytest.raises(ValidationError, match=r"A file needs a title and a language\."):
            document(**lacking)


def test_what_becomes_public_is_a_change() -> None:
    event = dialogue()
    shown = document(event, title_en="Shown")
    document(event, audience="staff", title_en="For staff")
    document(event, embargo_until=timezone.now() + timedelta(days=1), title_en="Later")

    actions.remove_document(document=Document.objects.get(pk=shown.pk), by=UserFactory())

    changes = Change.objects.filter(what="document").order_by("pk").values_list("subject", "before", "after")
    assert list(changes) == [("Shown", "", str(shown.uid)), ("Shown", str(shown.uid), "")]


# Downloads -------------------------------------------------------------------------------------------------------


def test_a_public_file_is_a_download(client: Client) -> None:
    content = pdf()
    row = document(content=content, title_en='Programme "draft"; ../x\r\n')

    response: Any = client.get(address(row))

    assert body(response) == content
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="programme-draft-x-en.pdf"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (response["ETag"].strip("W/"), response["Cache-Control"]) == (f'"{row.sha256}"', "public, max-age=60")
    assert not response.cookies
    assert get(client, address(row), If_None_Match=response["ETag"]).status_code == 304


def test_a_polyglot_leaves_as_what_it_was_taken_for(client: Client) -> None:
    both = document(content=pdf() + HTML), document(document_type="photo", file=upload(png() + HTML, "x.html"))

    responses = [get(client, address(row)) for row in both]

    assert [response["Content-Type"] for response in responses] == ["application/pdf", "image/png"]
    for response in responses:
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"


def hidden_documents() -> list[Document]:
    """One of each that a stranger must not get."""
    event = dialogue()
    return [
        *(
            document(event, audience=audience, title_en="Hidden")
            for audience in ("participants", "interpreters", "staff")
        ),
        document(event, embargo_until=timezone.now() + timedelta(minutes=1), title_en="Hidden"),
        document(event, session=session(event, state="draft", title_en="Hidden session"), title_en="Hidden"),
        document(draft(), title_en="Hidden"),
        document(event, document_type="letter", resource=ResourceFactory(original_title="Hidden")),
        document(event, document_type="letter", resource=withdrawn_resource(original_title="Hidden")),
    ]


def test_what_is_not_public_is_reached_by_no_address(client: Client) -> None:
    hidden = hidden_documents()
    shown = document(hidden[0].dialogue, title_en="Shown", document_type="summary")

    assert [status(client, address(row)) for row in hidden] == [404] * len(hidden)
    assert status(client, address(shown)) == 200
    assert titles(client, shown.dialogue) == ["Shown"]
    assert "Hidden" not in client.get(f"/en/dialogues/{shown.dialogue.slug}/documents/").content.decode()


def test_a_file_answers_at_its_own_dialogue_alone(client: Client) -> None:
    row, other = document(), dialogue()

    assert status(client, f"/en/dialogues/{other.slug}/documents/{row.uid}/") == 404
    assert status(client, f"/en/dialogues/{row.dialogue.slug}/documents/{uuid.uuid4()}/") == 404


def test_a_wrong_etag_opens_nothing(client: Client) -> None:
    row = document(audience="staff")

    assert client.get(address(row), headers={"If-None-Match": f'"{row.sha256}"'}).status_code == 404
    assert get(client, address(row), If_None_Match="*").status_code == 404


def test_an_embargo_ends_by_itself(client: Client) -> None:
    row = document(embargo_until=timezone.now() + timedelta(days=1))
    before = status(client, address(row))

    Document.objects.filter(pk=row.pk).update(embargo_until=timezone.now() - timedelta(seconds=1))

    assert (before, status(client, address(row))) == (404, 200)
    assert titles(client, row.dialogue) == ["Programme"]


def test_staff_see_an_embargo_in_the_events_time(client: Client, office: Client) -> None:
    row = document(embargo_until=datetime(2099, 7, 1, 10, 0, tzinfo=UTC))

    (badge,) = page(office, row.dialogue).all(class_="badge--danger")

    assert badge.text == "Not before Wednesday, 1 July 2099, 12:00, Geneva (CEST, UTC+02:00)"
    response = get(office, address(row))
    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")


def test_staff_see_and_fetch_all(office: Client) -> None:
    hidden = hidden_documents()
    files = [row for row in hidden if row.file]

    assert [status(office, address(row)) for row in files] == [200] * len(files)
    assert len(page(office, hidden[0].dialogue).all("tr")) > len(files)


def test_staff_without_the_permission_are_strangers() -> None:
    row, client = document(audience="staff"), Client()
    client.force_login(UserFactory(is_staff=True))

    assert status(client, address(row)) == 404


def test_participants_get_what_is_theirs(client: Client) -> None:
    event = upcoming()
    theirs, not_theirs = document(event, audience="participants"), document(event, audience="interpreters")
    public, elsewhere = document(event, title_en="Public"), document(upcoming(), audience="participants")
    guest = seated(event)

    response = get(guest, address(theirs))

    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")
    assert [status(guest, address(row)) for row in (not_theirs, elsewhere, public)] == [404, 404, 200]
    assert titles(guest, event) == ["Programme", "Public"]
    assert page(guest, event).one("tbody").one(class_="badge--warning").text == "Participants"
    assert titles(client, event) == ["Public"]


def test_who_gave_the_place_back_is_a_stranger() -> None:
    event = upcoming()
    row, guest = document(event, audience="participants"), seated(event)
    event.attendances.update(state="cancelled", cancelled_at=timezone.now())

    assert status(guest, address(row)) == 404


def test_a_file_that_is_missing_on_disk_is_not_found(client: Client) -> None:
    row = document()
    Path(row.file.path).unlink()

    assert status(client, address(row)) == 404


# The page ----------------------------------------------------------------------------------------------------------


def test_documents_are_listed_by_type_and_language(client: Client) -> None:
    event = dialogue()
    room = session(event, title_en="Panel")
    document(event, document_type="summary", language="fr", title_en="Summary, French", symbol="UNEP/1", session=room)
    document(event, document_type="summary", language="ar", title_en="Summary, Arabic")
    document(event, document_type="concept-note", language="en", title_en="Note")

    found = page(client, event)

    assert [heading.text for heading in found.all("h2")][:2] == ["Concept note", "Summary"]
    assert titles(client, event) == ["Note", "Summary, Arabic", "Summary, French"]
    row = found.all("tbody")[1].all("tr")[1]
    assert row.one("th").one("a", hreflang="fr").text == "Summary, French"
    assert "UNEP/1" in row.text
    assert row.one("a", href=f"/en/dialogues/{event.slug}/sessions/{room.slug}/").text == "Panel"
    assert "1 page" in row.text
    paper = Document.objects.get(symbol="UNEP/1")
    assert [code.text for code in row.all("code")] == ["UNEP/1", f"{paper.sha256[:8]}…", paper.sha256]


def test_a_resource_leads_to_its_page(client: Client) -> None:
    resource = published_resource(original_title="Monitor", editions=[{"language": "en"}, {"language": "fr"}])
    event = document(resource=resource, document_type="background").dialogue

    row = page(client, event).one("tbody").one("tr")

    assert row.one("a")["href"] == f"/en/resources/{resource.slug}/"
    assert "English, French" in row.text
    assert client.get(address(event.documents.get())).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow(client: Client, office: Client, django_assert_num_queries: Any, number: int) -> None:
    event = dialogue()
    for _index in range(number):
        document(event, session=session(event))
        document(event, resource=published_resource(), document_type="background")
        statement(event, session=session(event), state="published")

    with django_assert_num_queries(4):
        page(client, event)
    with django_assert_num_queries(4):
        package(client, event)
    with django_assert_num_queries(8):
        page(office, event)


def test_an_empty_page_says_so(client: Client) -> None:
    event = dialogue()

    assert page(client, event).one(class_="empty").one("h2").text == "No document is public yet"
    assert client.get(f"/en/dialogues/{event.slug}/documents.zip").status_code == 404


def test_no_page_of_documents_sets_a_cookie(client: Client) -> None:
    response = client.get(f"/en/dialogues/{document().dialogue.slug}/documents/")

    assert not response.cookies
    assert response["Cache-Control"] == "public, max-age=60"


# All together --------------------------------------------------------------------------------------------------------


def test_the_package_holds_what_is_public_and_its_checksums(client: Client) -> None:
    event = dialogue(title_en="An End to Electronic Waste")
    content = pdf(2)
    row = document(event, content, title_en="Programme")
    said = statement(event, text="We *agree*.\r\n\r\nEnd.", state="published")
    own, elsewhere = (
        published_resource(slug="own", editions=[{"url": ""}]),
        published_resource(original_title="Elsewhere"),
    )
    edition = own.editions.get()
    edition.file = upload(pdf(width=300))
    edition.save()
    document(event, resource=own, document_type="background")
    document(event, resource=elsewhere, document_type="background")

    archive = package(client, event)

    stem = f"statements/{said.entity.slug}-en-{said.uid.hex[:8]}"
    assert archive.testzip() is None
    assert archive.namelist() == [
        "README.txt", "SHA256SUMS", f"programme/programme-en-{row.sha256[:8]}.pdf",
        f"resources/own-en-{edition.sha256[:8]}.pdf", f"{stem}.txt",
    ]  # fmt: skip
    assert archive.read(f"programme/programme-en-{row.sha256[:8]}.pdf") == content
    assert archive.read(f"{stem}.txt").decode().endswith("\n\nWe *agree*.\n\nEnd.\n")
    sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert sums == {
        name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name != "SHA256SUMS"
    }
    readme = archive.read("README.txt").decode()
    assert readme.startswith(
        "An End to Electronic Waste\n\nWednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)\n"
    )
    assert "Each file keeps its own terms of use" in readme
    assert (
        f"- Elsewhere\n  http://localhost:8000{elsewhere.get_absolute_url()}\n  https://example.org/editions/" in readme
    )


def test_the_package_leaves_out_what_is_not_public_whoever_asks(client: Client, office: Client) -> None:
    hidden = hidden_documents()
    event = hidden[0].dialogue
    for state in ("draft", "submitted", "withdrawn"):
        statement(event, state=state, title="Hidden statement")
    statement(event, state="published", session=session(event, state="draft"), title="Hidden by its session")
    shown = document(event, title_en="Shown")

    for asker in (client, office, seated(event)):
        archive = package(asker, event)
        assert archive.namelist()[2:] == [f"programme/shown-en-{shown.sha256[:8]}.pdf"]
        assert b"Hidden" not in archive.read("README.txt")


def test_the_package_has_the_same_bytes_until_something_changes(client: Client) -> None:
    event = document().dialogue
    where = f"/en/dialogues/{event.slug}/documents.zip"
    first: Any = client.get(where)
    second: Any = client.get(where)

    assert body(first) == body(second)
    assert first["Content-Disposition"] == f'attachment; filename="{event.slug}.zip"'
    assert (first["Content-Type"], first["X-Content-Type-Options"]) == ("application/zip", "nosniff")
    assert client.get(where, headers={"If-None-Match": first["ETag"]}).status_code == 304

    document(event, pdf(width=300), title_en="Another")
    changed: Any = client.get(where, headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)
    body(changed)


def test_a_package_that_is_too_large_is_refused_in_a_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document().dialogue
    monkeypatch.setattr(packing, "MOST_BYTES", 10)

    response = client.get(f"/en/dialogues/{event.slug}/documents.zip")

    assert response.status_code == 413
    assert "larger than 200 MB: download them one by one." in read(response).one("main").text


def test_names_in_the_package_stay_inside_it(client: Client) -> None:
    event = document(title_en="../../etc/passwd").dialogue
    document(event, pdf(2), title_en="نفايات", language="ar")

    names = package(client, event).namelist()[2:]

    assert [name.rsplit("-", 1)[0] for name in names] == ["programme/document-ar", "programme/etcpasswd-en"]


# Statements ------------------------------------------------------------------------------------------------------------


def statement(of: Dialogue | None = None, **facts: Any) -> Statement:
    """A draft of words, unless it is told otherwise."""
    facts = {"title": "We agree", "text": "We agree.", "language": "en", **facts}
    facts.setdefault("entity", None)
    facts["entity"] = facts["entity"] or EntityFactory()
    if facts.get("state") == "published":
        facts = {"published_at": timezone.now(), "published_by": UserFactory(), **facts}
    return Statement.objects.create(dialogue=of or dialogue(), **facts)


def typed(**facts: Any) -> dict[str, Any]:
    return {"title": "We agree", "language": "en", "text": "We *agree*.", "session": "", **facts}


def member() -> tuple[Client, User, Any]:
    entity = EntityFactory()
    user, client = focal_point(entity), Client()
    client.force_login(user)
    return client, user, entity


def test_a_statement_goes_from_draft_to_public(
    client: Client, staff: User, django_capture_on_commit_callbacks: Any
) -> None:
    event = dialogue()
    mine, user, entity = member()
    new = f"/en/dialogues/{event.slug}/statements/new/"

    with django_capture_on_commit_callbacks(execute=True):
        assert mine.post(new, typed()).status_code == 302
        row = Statement.objects.get()
        assert (row.state, row.entity, row.created_by) == ("draft", entity, user)
        assert status(client, address(row)) == 404
        mine.post(f"{address(row)}edit/", {**typed(text="We *agree* fully."), "submit": "yes"})
        row.refresh_from_db()
        assert (row.state, row.text) == ("submitted", "We *agree* fully.")
        assert status(client, address(row)) == 404
        actions.publish(statement=row, by=staff)

    found = read(client.get(address(row)))
    assert found.one("h1").text == "We agree"
    assert found.one(class_="prose").one("em").text == "agree"
    assert [(message.to, message.subject) for message in mail.outbox[-2:]] == [
        (["contact@example.org"], "Statement submitted: We agree"), ([user.email], "Published: We agree"),
    ]  # fmt: skip
    assert titles(client, event) == ["We agree"]


def test_a_statement_in_arabic_is_read_from_right_to_left(client: Client) -> None:
    row = statement(language="ar", title="بيان", text="نوافق.", state="published")

    found = read(client.get(address(row)))

    assert found.one("h1").one("bdi")["dir"] == "rtl"
    assert (found.one(class_="prose")["lang"], found.one(class_="prose")["dir"]) == ("ar", "rtl")


def test_a_statement_can_be_cited(client: Client) -> None:
    entity = EntityFactory(official_name_en="International Telecommunication Union")
    row = statement(
        dialogue(title_en="An End"), entity=entity, state="published", published_at=datetime(2018, 4, 1, tzinfo=UTC)
    )

    cited = read(client.get(address(row))).one(id="cite-text").text

    assert cited == (
        "International Telecommunication Union (2018). We agree. Statement on the occasion of “An End”, 21 March 2018. "
        f"http://localhost:8000{address(row)}"
    )


def test_html_in_a_statement_is_shown_as_typed(client: Client) -> None:
    row = statement(text="<script>alert(1)</script> [x](javascript:alert(1))", state="published")

    prose = read(client.get(address(row))).one(class_="prose")

    assert prose.all("script") == []
    assert [link.get("href") for link in prose.all("a")] == []


def test_a_file_of_a_statement_is_fetched_with_its_hash(client: Client) -> None:
    event, content = dialogue(), pdf()
    mine, _user, _entity = member()
    mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed(text="", file=upload(content, "../x.html")))
    row = Statement.objects.get()
    assert [status(guest, f"{address(row)}file/") for guest in (client, mine)] == [404, 200]
    Statement.objects.update(state="published", published_at=timezone.now(), published_by=UserFactory())

    response: Any = client.get(f"{address(row)}file/")

    assert body(response) == content
    assert row.file.name == f"statements/{row.sha256[:16]}.pdf"
    assert response["Content-Disposition"] == 'attachment; filename="we-agree-en.pdf"'
    assert read(client.get(address(row))).one(id="file").text == "File"
    assert row.sha256 in client.get(address(row)).content.decode()


@pytest.mark.parametrize("content", [HTML, b"%PDF-1.7 " + HTML, png()])
def test_only_a_pdf_is_taken_as_a_statement(content: bytes) -> None:
    event = dialogue()
    mine, _user, _entity = member()

    response = mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed(text="", file=upload(content)))

    assert (response.status_code, Statement.objects.count()) == (200, 0)
    assert read(response).one(class_="error-summary").one("a")["href"] == "#id_file"


def test_a_statement_says_something() -> None:
    event = dialogue()
    mine, _user, _entity = member()

    response = mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed(text=" "))

    assert "Write the statement, or upload it as a file." in read(response).one(class_="error-summary").text


def test_the_same_statement_sent_twice_is_one() -> None:
    event = dialogue()
    mine, _user, _entity = member()
    content = pdf()
    for _time in range(2):
        mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed(file=upload(content)))

    assert Statement.objects.count() == 1


def test_only_focal_points_send_statements(client: Client) -> None:
    event = dialogue()
    new, row = f"/en/dialogues/{event.slug}/statements/new/", statement(event)
    assistant = UserFactory(verified=True)
    Mandate.objects.create(
        entity=row.entity, user=assistant, role="assistant", name="A", during=("2020-01-01", None),
        confirmed_at=timezone.now(), confirmed_how="test",
    )  # fmt: skip
    strangers = [focal_point(EntityFactory()), assistant, UserFactory(verified=True)]

    assert client.get(new)["Location"].startswith("/en/account/login/")
    for user, answer in zip(strangers, (200, 403, 403), strict=True):
        client.force_login(user)
        assert client.get(new).status_code == answer
        assert client.get(f"{address(row)}edit/").status_code == 404
        assert client.post(f"{address(row)}edit/", {"act": "submit"}).status_code == 404
        assert status(client, address(row)) == 404
    with pytest.raises(ValidationError, match="focal point"):
        actions.write(dialogue=event, entity=row.entity, by=assistant, title="x", language="en", text="x")


def test_who_speaks_for_several_chooses_the_entity() -> None:
    event = dialogue()
    mine, user, first = member()
    second, foreign = EntityFactory(), EntityFactory()
    Mandate.objects.create(
        entity=second, user=user, role="focal-point", name="A", during=("2020-01-01", None),
        confirmed_at=timezone.now(), confirmed_how="test",
    )  # fmt: skip
    new = f"/en/dialogues/{event.slug}/statements/new/"

    mine.post(new, typed(entity=foreign.pk))
    assert not Statement.objects.exists()

    mine.post(new, typed(entity=second.pk))
    assert Statement.objects.get().entity == second
    assert len(read(mine.get(new)).one(id="id_entity").all("option")) == 3
    assert first.pk


def test_a_session_that_is_held_back_is_not_offered() -> None:
    event = dialogue()
    shown, hidden = session(event), session(event, state="draft")
    foreign = session()
    mine, _user, _entity = member()
    new = f"/en/dialogues/{event.slug}/statements/new/"

    values = [option.get("value") for option in read(mine.get(new)).one(id="id_session").all("option")]
    assert values == ["", str(shown.pk)]
    for other in (hidden, foreign):
        mine.post(new, typed(session=other.pk))
    assert not Statement.objects.exists()


def test_a_draft_keeps_its_file_until_it_is_to_go() -> None:
    event = dialogue()
    mine, _user, _entity = member()
    mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed(file=upload(pdf())))
    row = Statement.objects.get()

    mine.post(f"{address(row)}edit/", typed(text="Other words."))
    row.refresh_from_db()
    assert (row.text, bool(row.file), len(row.sha256)) == ("Other words.", True, 64)

    mine.post(f"{address(row)}edit/", typed(without_file="on"))
    row.refresh_from_db()
    assert (bool(row.file), row.sha256) == (False, "")


def test_what_is_submitted_is_changed_only_after_it_is_recalled() -> None:
    mine, user, entity = member()
    row = statement(entity=entity, created_by=user, state="submitted")
    where = f"{address(row)}edit/"

    mine.post(where, typed(text="Changed."))
    row.refresh_from_db()
    assert row.text == "We agree."

    mine.post(where, {"act": "recall"})
    mine.post(where, typed(text="Changed."))
    row.refresh_from_db()
    assert (row.state, row.text) == ("draft", "Changed.")


def test_a_statement_that_was_taken_back_says_so(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    mine, user, entity = member()
    row = statement(entity=entity, created_by=user, state="published", file=upload(pdf()), sha256="0" * 64)

    with django_capture_on_commit_callbacks(execute=True):
        mine.post(f"{address(row)}edit/", {"act": "take-back"})

    row.refresh_from_db()
    assert row.state == "withdrawn"
    response = client.get(address(row))
    assert (response.status_code, read(response).one("h1").text) == (410, "This statement was taken back")
    assert "We agree" not in response.content.decode()
    assert status(client, f"{address(row)}file/") == 404
    assert [message.subject for message in mail.outbox[-1:]] == ["Statement taken back: We agree"]
    assert list(Change.objects.values_list("subject", "before")) == [("We agree", str(row.uid))]


def test_what_never_was_public_is_not_found(client: Client) -> None:
    event = dialogue()
    hidden = [
        *(statement(event, state=state) for state in ("draft", "submitted", "withdrawn")),
        statement(event, state="published", session=session(event, state="draft")),
        statement(draft(), state="published"),
    ]

    assert [status(client, address(row)) for row in hidden] == [404] * 5
    assert [status(client, f"{address(row)}file/") for row in hidden] == [404] * 5


def test_staff_return_a_statement_with_a_reason(staff: User, django_capture_on_commit_callbacks: Any) -> None:
    author = UserFactory(language="fr")
    row = statement(created_by=author, state="submitted")

    with pytest.raises(ValidationError, match="Give a reason"):
        actions.return_for_changes(statement=row, by=staff, reason=" ")
    with django_capture_on_commit_callbacks(execute=True):
        actions.return_for_changes(statement=row, by=staff, reason="The date is wrong.")

    row.refresh_from_db()
    assert row.state == "draft"
    assert mail.outbox[-1].to == [author.email]
    assert "The date is wrong." in mail.outbox[-1].body
    assert f"/fr/dialogues/{row.dialogue.slug}/statements/{row.uid}/edit/" in mail.outbox[-1].body


def test_what_cannot_be_published(staff: User) -> None:
    refused = {
        "state": statement(created_by=UserFactory()),
        "entity": statement(state="submitted", entity=EntityFactory(unchecked=True)),
        "dialogue": statement(draft(), state="submitted"),
    }

    for code, row in refused.items():
        with pytest.raises(ValidationError) as caught:
            actions.publish(statement=row, by=staff)
        assert caught.value.code == code
    assert not Statement.objects.public().exists()


def test_a_cancelled_dialogue_takes_no_statement() -> None:
    event = dialogue(status="cancelled", status_note_en="Illness.")
    mine, user, entity = member()

    assert mine.post(f"/en/dialogues/{event.slug}/statements/new/", typed()).status_code == 403
    with pytest.raises(ValidationError, match="takes no statements"):
        actions.write(dialogue=event, entity=entity, by=user, title="x", language="en", text="x")


# The back office --------------------------------------------------------------------------------------------------------


def form(event: Dialogue, **facts: Any) -> dict[str, Any]:
    return {
        "dialogue": event.pk, "session": "", "document_type": "programme", "position": "0", "audience": "public",
        "embargo_until": "", "resource": "", "language": "en", "symbol": "", "title_en": "Programme", **facts,
    }  # fmt: skip


def test_staff_upload_a_document(office: Client, client: Client) -> None:
    event, content = dialogue(), pdf(2)

    response = office.post("/admin/dialogue/document/add/", form(event, file=upload(content)))

    assert response.status_code == 302
    row = event.documents.get()
    assert (row.size, row.page_count, row.sha256) == (len(content), 2, hashlib.sha256(content).hexdigest())
    assert body(client.get(address(row))) == content
    assert office.get(f"/admin/dialogue/document/{row.pk}/change/").status_code == 200
    assert office.get("/admin/dialogue/document/").status_code == 200


def test_staff_type_an_embargo_in_the_events_time(office: Client) -> None:
    event = dialogue()

    office.post("/admin/dialogue/document/add/", form(event, file=upload(pdf()), embargo_until="2099-07-01T12:00"))

    assert event.documents.get().embargo_until == datetime(2099, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"title_en": "", "file": pdf}, "A file needs a title."),
        ({"language": "", "file": pdf}, "A file needs a language."),
        ({"file": lambda: HTML}, "Choose a picture in PNG, JPEG or WebP format."),
        ({}, "Choose a resource of the library, or upload a file."),
    ],
)
def test_the_form_tells_what_is_wrong_with_a_document(office: Client, facts: dict[str, Any], sentence: str) -> None:
    data = {name: upload(value()) if callable(value) else value for name, value in facts.items()}

    response = office.post("/admin/dialogue/document/add/", form(dialogue(), **data))

    assert (response.status_code, Document.objects.count()) == (200, 0)
    assert sentence in response.content.decode()


def test_a_session_of_another_dialogue_is_refused(office: Client) -> None:
    response = office.post("/admin/dialogue/document/add/", form(dialogue(), file=upload(pdf()), session=session().pk))

    assert "The session belongs to another dialogue." in response.content.decode()


def test_staff_delete_a_document(office: Client) -> None:
    row = document()

    office.post(f"/admin/dialogue/document/{row.pk}/delete/", {"post": "yes"})

    assert not Document.objects.exists()
    assert Change.objects.filter(before=str(row.uid)).exists()


def test_an_export_runs_no_formula(office: Client) -> None:
    event = dialogue()
    document(event, title_en="=cmd|' /C calc'!A0")
    statement(event, title="@SUM(1)")

    for kind, cell in (("document", "'=cmd|' /C calc'!A0"), ("statement", "'@SUM(1)")):
        response = office.post(f"/admin/dialogue/{kind}/export/", {"format": "0", "resource": "0", **_all(kind)})
        assert cell in response.content.decode()


def _all(kind: str) -> dict[str, str]:
    names = {"document": ("uid", "title_en"), "statement": ("uid", "title")}[kind]
    file = {"document": "documentfile", "statement": "statementfile"}[kind]
    return {f"{file}_{name}": "on" for name in names} | dict.fromkeys(names, "on")


def act(office: Client, row: Statement, action: str, **more: Any) -> Any:
    data = {"action": action, "_selected_action": str(row.pk), "confirmed": "yes", **more}
    return office.post("/admin/dialogue/statement/", data, follow=True)


def test_staff_publish_and_take_off_statements(office: Client, client: Client) -> None:
    row = statement(created_by=UserFactory(), state="submitted")

    act(office, row, "publish")
    row.refresh_from_db()
    assert (row.state, status(client, address(row))) == ("published", 200)

    act(office, row, "take_back")
    row.refresh_from_db()
    assert (row.state, status(client, address(row))) == ("withdrawn", 410)


def test_staff_return_statements(office: Client) -> None:
    row = statement(created_by=UserFactory(), state="submitted")

    act(office, row, "return_for_changes", reason="Too long.")

    row.refresh_from_db()
    assert row.state == "draft"


def test_what_an_entity_wrote_is_not_changed_by_staff(office: Client) -> None:
    row = statement(created_by=UserFactory(), state="submitted")
    room = session(row.dialogue)

    office.post(f"/admin/dialogue/statement/{row.pk}/change/", {"text": "Rewritten.", "title": "x", "session": room.pk})

    row.refresh_from_db()
    assert (row.text, row.title, row.session) == ("We agree.", "We agree", room)


def test_staff_write_a_statement_down(office: Client, staff: User) -> None:
    event, entity = dialogue(), EntityFactory()
    data = {"dialogue": event.pk, "session": "", "entity": entity.pk, **typed(), "file": upload(pdf())}

    response = office.post("/admin/dialogue/statement/add/", data)

    assert response.status_code == 302
    row = Statement.objects.get()
    assert (row.state, row.created_by, len(row.sha256)) == ("draft", staff, 64)
    act(office, row, "publish")
    row.refresh_from_db()
    assert row.state == "published"


def test_the_start_page_counts_statements_that_wait(office: Client) -> None:
    for state in ("draft", "submitted", "published"):
        statement(state=state)

    lines = [line for line in office.get("/admin/").context["waiting"] if "/statement/" in line.url]

    assert [(line.count, line.url) for line in lines] == [(1, "/admin/dialogue/statement/?state__exact=submitted")]


def test_the_size_of_a_missing_file_is_not_told() -> None:
    row = statement(file=upload(pdf()), sha256="0" * 64)
    Path(row.file.path).unlink()

    assert papers.Said(row).size is None
