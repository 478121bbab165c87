"""Files of editions: only PDF, described by their content, shown with a published resource alone."""

import io
from pathlib import Path

import pypdfium2
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from knowledge import actions
from knowledge.files import sha256, validate_pdf
from knowledge.models import Edition, Resource
from tests.factories import EditionFactory, UserFactory, published_resource

pytestmark = pytest.mark.django_db


def pdf(pages: int = 3) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _page in range(pages):
        document.new_page(200, 300)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def upload(content: bytes, name: str = "../../report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/pdf")


@pytest.fixture(autouse=True)
def media(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]


def with_file(content: bytes) -> Edition:
    edition = published_resource(slug="report").editions.get()
    edition.file = upload(content)
    edition.full_clean()
    edition.save()
    return edition


def test_file_is_described_by_its_content() -> None:
    content = pdf(3)

    edition = with_file(content)

    assert (edition.format, edition.pages, edition.size_bytes, edition.sha256) == (
        "PDF",
        3,
        len(content),
        sha256(content),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 but no more",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"PK\x03\x04zip",
    ],
)
def test_what_is_no_pdf_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        validate_pdf(upload(content))


def test_reader_gets_the_file_of_a_published_resource(client: Client) -> None:
    content = pdf()
    address = with_file(content).file_address

    response = client.get(address)

    assert b"".join(response.streaming_content) == content
    assert response["Content-Type"] == "application/pdf"
    assert "sandbox" in response["Content-Security-Policy"]
    assert address in client.get("/en/resources/report/").content.decode()


def test_file_goes_with_a_withdrawn_resource(client: Client) -> None:
    address = with_file(pdf()).file_address

    actions.withdraw(resource=Resource.objects.get(slug="report"), by=UserFactory(), reason="Wrong file.")

    assert client.get(address).status_code == 404


def test_file_of_a_draft_cannot_be_guessed(client: Client) -> None:
    edition = EditionFactory(resource__slug="draft")
    edition.file = upload(pdf())
    edition.save()

    assert client.get(edition.file_address).status_code == 404


def test_resource_with_a_file_is_not_on_the_list_of_missing_links() -> None:
    edition = EditionFactory(url="")
    assert edition.resource in Resource.objects.without_online_copy()

    edition.file = upload(pdf())
    edition.save()

    assert edition.resource not in Resource.objects.without_online_copy()


def test_upload_is_for_staff_alone_until_a_page_offers_it(client: Client) -> None:
    edition = EditionFactory()
    edition.file = upload(pdf())
    edition.save()

    as_visitor = client.get(edition.file.url)
    client.force_login(UserFactory(is_staff=True))
    as_staff = client.get(edition.file.url)

    assert as_visitor.status_code == 302
    assert b"".join(as_staff.streaming_content)[:5] == b"%PDF-"
    assert as_staff["Content-Disposition"].startswith("attachment")
    assert client.get("/media/../../pyproject.toml").status_code == 404
    assert client.get("/media/nothing.pdf").status_code == 404
