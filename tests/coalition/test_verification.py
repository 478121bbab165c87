"""The verification page: what anybody is told of a code and of a file."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as conf
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from pytest_django import DjangoAssertNumQueries

from coalition import actions, ceremony, certificates, journal, seal, verification
from coalition.models import JournalEntry, Letter, LetterText, Membership, Signature
from tests.coalition.certified import countersigned, made, make_key, signed
from tests.coalition.test_certificates import flipped, with_annotation
from tests.factories import UserFactory
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

URL = "/en/coalition/verify/"


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> seal.Key:
    return make_key(settings, tmp_path)


@pytest.fixture
def signature(key: seal.Key) -> Signature:
    found = countersigned(official_name_en="Ministry of Tests")
    made(found)
    return found


def content_of(signature: Signature) -> bytes:
    return Path(signature.certificate.path).read_bytes()


def four_lines(page: Element) -> list[tuple[str, str]]:
    """Level and words of the answer."""
    answers = [item for item in page.all("ol") if item.get("data-verify-answer") is not None]
    assert len(answers) == 1
    return [(line["class"].split("--")[1], line.text) for line in answers[0].all("li")]


def upload(client: Client, content: bytes, name: str = "a.pdf") -> Any:
    return client.post(URL, {"file": SimpleUploadedFile(name, content, "application/pdf")})


# By code -----------------------------------------------------------------------------------------------------------


def test_page_of_a_code_gives_four_plain_lines(client: Client, signature: Signature) -> None:
    page = read(client.get(f"{URL}{signature.code}/"))

    at = signature.signed_at
    assert at is not None
    assert four_lines(page)[1:] == [
        ("ok", "Is the seal intact? Yes: the certificate is as it was sealed."),
        ("info", "Who signed, in what capacity, when? Amina Example, Minister (Head) Ministry of Tests "
                 + page.one("time", data_local_time="").text),
        ("ok", "What holds today? Genuine. The signature stands."),
    ]  # fmt: skip
    assert page.one("time", data_local_time="").text.endswith(f"{at:%H:%M} UTC")


@pytest.mark.parametrize("spoil", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code.replace('-', ' ')} ",
                                   lambda code: code.replace("0", "O").replace("1", "l")])  # fmt: skip
def test_code_is_read_as_people_type_it(client: Client, signature: Signature, spoil: Callable[[str], str]) -> None:
    response = client.get(URL, {"code": spoil(signature.code or "")})

    assert (response.status_code, response.url) == (302, f"{URL}{signature.code}/")


def test_letters_taken_for_figures_are_forgiven() -> None:
    assert verification.read_code("oil0-abcd-efgh") == "0110-ABCD-EFGH"
    assert [verification.read_code(text) for text in ("", "ABCD", "UUUU-UUUU-UUUU", "ABCD-EFGH-JKMN-P")] == [None] * 4


def test_address_with_a_code_typed_otherwise_leads_to_the_lasting_one(client: Client, signature: Signature) -> None:
    response = client.get(f"{URL}{(signature.code or '').lower()}/")

    assert (response.status_code, response.url) == (301, f"{URL}{signature.code}/")


def test_unknown_code_is_not_found_without_guesses(client: Client, signature: Signature) -> None:
    near = (signature.code or "")[:-1] + ("0" if (signature.code or "")[-1] != "0" else "1")

    by_form, by_address = client.get(URL, {"code": near}), client.get(f"{URL}{near}/")

    assert (by_form.status_code, by_address.status_code) == (404, 404)
    assert "No certificate has this code." in by_form.content.decode()
    assert signature.code not in by_form.content.decode() + by_address.content.decode()


def test_word_that_is_no_code_is_answered_beside_the_field(client: Client) -> None:
    page = read(client.get(URL, {"code": "<script>"}))

    assert page.one("input", id="id_code")["aria-invalid"] == "true"
    assert "A code has twelve letters and figures" in page.one(class_="error-summary").text


def test_guessing_codes_is_slowed_down(client: Client) -> None:
    alphabet = ceremony.ALPHABET
    answers = [client.get(URL, {"code": get_random_string(12, alphabet)}).status_code for _number in range(32)]

    assert (answers[0], answers[-1]) == (404, 429)


def test_a_found_code_is_never_slowed_down(client: Client, signature: Signature) -> None:
    assert {client.get(f"{URL}{signature.code}/").status_code for _number in range(35)} == {200}


def test_signature_before_its_countersignature_says_so(client: Client) -> None:
    found = signed()

    lines = four_lines(read(client.get(f"{URL}{found.code}/")))

    assert (
        lines[1][1] == "Is the seal intact? Not yet sealed. The signature holds all the same; the certificate follows."
    )
    assert lines[3] == ("info", "What holds today? Awaiting countersignature. The entity has signed; the secretariat has not "
                                "countersigned yet.")  # fmt: skip


def test_rejected_application_is_not_found(client: Client) -> None:
    found = signed()
    actions.propose_end(membership=found.membership, by=UserFactory(), end="rejected", reason="No mandate.")
    actions.confirm_end(membership=found.membership, by=UserFactory())

    assert client.get(f"{URL}{found.code}/").status_code == 404


# What holds today --------------------------------------------------------------------------------------------------


def suspend(membership: Membership) -> None:
    actions.suspend(membership=membership, by=UserFactory(), reason="Disputed.")


def remove(membership: Membership) -> None:
    suspend(membership)
    actions.propose_end(membership=membership, by=UserFactory(), end="removed", reason="Ended.")
    actions.confirm_end(membership=membership, by=UserFactory())


def withdraw(membership: Membership) -> None:
    act(membership, "withdrawal")


def act(membership: Membership, purpose: str) -> Signature:
    ceremony.invite(membership=membership, by=None, purpose=purpose)
    invitation = membership.invitations.select_related("membership__entity", "membership__letter", "mandate").get(
        used_at=None, revoked_at=None
    )
    prepared = ceremony.prepare(invitation, language="en")
    return ceremony.sign(invitation, sealed=prepared.sealed, code_was_checked=True, typed_name=invitation.mandate.name)


@pytest.mark.parametrize(
    ("change", "level", "word", "event"),
    [
        (suspend, "warn", "Suspended.", "Suspended by the secretariat."),
        (withdraw, "bad", "Withdrawn.", "Withdrawn by Amina Example, Minister."),
        (remove, "bad", "Removed.", "Removed by the secretariat."),
    ],
)
def test_status_of_today_is_told_and_the_certificate_stays(
    client: Client, signature: Signature, change: Callable[[Membership], None], level: str, word: str, event: str
) -> None:
    before = client.get(f"{URL}{signature.code}/certificate.pdf").getvalue()
    change(signature.membership)

    page = read(client.get(f"{URL}{signature.code}/"))
    lines = four_lines(page)

    assert (lines[1][0], lines[3][0], word in lines[3][1]) == ("ok", level, True)
    assert event in [item.text for item in page.one("ol", "timeline").all("p") if not item.get("class")]
    assert client.get(f"{URL}{signature.code}/certificate.pdf").getvalue() == before


def test_reaffirmation_is_in_the_history_and_the_signature_stands(client: Client, signature: Signature) -> None:
    act(signature.membership, "reaffirmation")

    page = read(client.get(f"{URL}{signature.code}/"))

    assert "Genuine." in four_lines(page)[3][1]
    assert "Reaffirmed by Amina Example, Minister." in page.one("ol", "timeline").text


def test_signature_under_a_later_letter_supersedes(client: Client, signature: Signature) -> None:
    later = Letter.objects.create(
        version="2027", title_en="Second letter", dated="2027-01-01", follows=signature.letter
    )
    text = LetterText.objects.create(letter=later, language="en", body="More.")
    later.published_at, later.published_by = timezone.now(), UserFactory()
    later.save()
    text.refresh_from_db()
    second = Signature.objects.get(pk=signature.pk)
    second.pk, second.code, second.nonce, second.letter = None, "7F3K-9QXM-24TB", "n", later
    second.text_sha256, second.certificate, second.certificate_sha256 = text.sha256, "", ""
    second.sealed_at, second.seal_certificate_sha256, second.signed_on = (
        None,
        "",
        signature.signed_on + timedelta(days=1),
    )
    second.save(force_insert=True)

    old, new = (four_lines(read(client.get(f"{URL}{code}/")))[3] for code in (signature.code, second.code))

    assert (old[0], "Superseded." in old[1], second.code in old[1]) == ("warn", True, True)
    assert (new[0], "Genuine." in new[1]) == ("ok", True)


def test_example_is_marked(client: Client) -> None:
    found = countersigned(is_example=True)

    assert "Made up for the demonstration" in read(client.get(f"{URL}{found.code}/")).one("main").text


# By file -----------------------------------------------------------------------------------------------------------


def test_file_of_ours_is_told_by_its_fingerprint_alone(client: Client, signature: Signature) -> None:
    digest = hashlib.sha256(content_of(signature)).hexdigest()

    lines = four_lines(read(client.get(URL, {"sha256": digest})))

    assert [level for level, _words in lines] == ["ok", "ok", "info", "ok"]
    assert lines[0][1] == "Is it our file? Yes: this is our file, byte for byte."


def test_uploaded_file_of_ours_is_recognised_and_not_kept(client: Client, signature: Signature, settings: Any) -> None:
    before = sorted(Path(settings.MEDIA_ROOT).rglob("*"))

    lines = four_lines(read(upload(client, content_of(signature))))

    assert [level for level, _words in lines] == ["ok", "ok", "info", "ok"]
    assert sorted(Path(settings.MEDIA_ROOT).rglob("*")) == before


@pytest.mark.parametrize(
    "harm",
    [lambda pdf: pdf + b"\n", with_annotation, lambda pdf: flipped(pdf, 500)],
    ids=["appended", "annotated", "flipped"],
)
def test_file_changed_after_sealing_is_refused(
    client: Client, signature: Signature, harm: Callable[[bytes], bytes]
) -> None:
    lines = four_lines(read(upload(client, harm(content_of(signature)))))

    assert [level for level, _words in lines] == ["bad", "bad"]
    assert "this file was changed after sealing" in lines[0][1]


def test_browser_finds_out_alone_that_something_was_added(client: Client, signature: Signature) -> None:
    pdf = content_of(signature)
    query = {"sha256": hashlib.sha256(pdf + b"\n").hexdigest(), "part": hashlib.sha256(pdf).hexdigest()}

    page = read(client.get(URL, query))

    assert "changed after sealing" in four_lines(page)[0][1]
    assert page.one("a", href=f"{URL}{signature.code}/").text == f"The record of certificate {signature.code}"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"%PDF-1.7\nnothing", "cannot be read"), (b"MZ\x90", "cannot be read")],
    ids=["broken", "program"],
)
def test_file_that_is_no_certificate_is_refused(client: Client, content: bytes, words: str) -> None:
    lines = four_lines(read(upload(client, content)))

    assert [level for level, _words in lines] == ["bad"]
    assert words in lines[0][1]


def test_file_sealed_by_somebody_else_is_not_ours(
    client: Client, signature: Signature, settings: Any, tmp_path: Path
) -> None:
    forger = make_key(settings, tmp_path / "forger")
    forged = seal.seal(
        certificates.render(signature, head=certificates.Head(1, "0" * 64)), forger, reason="r", location="l"
    )

    assert "none of the certificates in our register" in four_lines(read(upload(client, forged)))[0][1]


def test_large_file_is_refused(client: Client) -> None:
    response = upload(client, b"%PDF-" + b"0" * (10 * 1024 * 1024 + 1))

    assert "larger than 10 MB" in read(response).one(class_="error-summary").text


def test_giant_request_never_reaches_memory(client: Client) -> None:
    response = upload(client, b"%PDF-" + b"0" * (11 * 1024 * 1024))

    assert "larger than 10 MB" in read(response).one(class_="error-summary").text


def test_file_of_many_megabytes_stays_in_memory(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        verification, "answer_file", lambda content: seen.append(len(content)) or verification.Answer("unknown")
    )

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a temporary file was opened")

    monkeypatch.setattr("django.core.files.uploadedfile.TemporaryUploadedFile.__init__", refuse)
    upload(client, b"%PDF-" + b"0" * (5 * 1024 * 1024))

    assert seen == [5 * 1024 * 1024 + 5]


def test_upload_needs_the_form_of_this_site() -> None:
    assert upload(Client(enforce_csrf_checks=True), b"%PDF-").status_code == 403


def test_damaged_stored_certificate_is_told(client: Client, signature: Signature) -> None:
    Path(signature.certificate.path).write_bytes(flipped(content_of(signature), 500))

    assert four_lines(read(client.get(f"{URL}{signature.code}/")))[1][0] == "bad"


# For those who check without us --------------------------------------------------------------------------------------


def test_downloads_are_what_was_hashed(client: Client, signature: Signature) -> None:
    page = read(client.get(f"{URL}{signature.code}/"))
    certificate = client.get(f"{URL}{signature.code}/certificate.pdf")
    evidence = client.get(f"{URL}{signature.code}/evidence.json")

    assert hashlib.sha256(certificate.getvalue()).hexdigest() == signature.certificate_sha256
    assert hashlib.sha256(evidence.content).hexdigest() == signature.evidence_sha256
    assert signature.certificate_sha256 in page.one("main").text
    assert certificate["Content-Disposition"] == f'attachment; filename="certificate-{signature.code}.pdf"'


def test_commands_on_the_page_name_the_bytes_that_the_seal_covers(client: Client, signature: Signature) -> None:
    pdf = content_of(signature)
    commands = read(client.get(f"{URL}{signature.code}/")).one("pre").text

    first, last = (int(number) for number in re.findall(r"(?:head|tail) -c (\d+)", commands))

    assert (pdf[first : first + 1], pdf[-last - 1 : -last]) == (b"<", b">")


def test_root_certificate_and_its_fingerprint(client: Client, key: seal.Key) -> None:
    (root,) = seal.roots()

    assert (
        client.get(f"{URL}root.pem").content == Path(conf.PORTAL_SEAL_CERTIFICATES).with_name("root.pem").read_bytes()
    )
    assert seal.fingerprint(root) in read(client.get(URL)).one("main").text


def test_without_a_seal_there_is_no_root_and_the_page_says_so(client: Client) -> None:
    assert client.get(f"{URL}root.pem").status_code == 404
    assert "This portal has no seal yet." in read(client.get(URL)).one("main").text


def test_certificate_that_is_not_sealed_cannot_be_downloaded(client: Client) -> None:
    assert client.get(f"{URL}{countersigned().code}/certificate.pdf").status_code == 404


# The public journal --------------------------------------------------------------------------------------------------


def public_lines(client: Client) -> list[dict[str, Any]]:
    response = client.get(f"{URL}journal.jsonl")
    return [json.loads(line) for line in response.getvalue().decode().splitlines()]


def test_public_journal_proves_the_chain(client: Client, signature: Signature) -> None:
    lines = public_lines(client)
    previous = journal.NO_HASH
    for line in lines:
        assert line["prev"] == previous
        if line["payload"] is not None:
            assert hashlib.sha256(f"{previous}\n{line['payload']}".encode()).hexdigest() == line["hash"]
        previous = line["hash"]

    assert (len(lines), previous) == (JournalEntry.objects.count(), journal.head())
    events = [json.loads(line["payload"])["event"] for line in lines if line["payload"]]
    assert events == ["signed", "signature original", "countersigned", "certificate sealed"]


def test_public_journal_holds_no_personal_data(client: Client, signature: Signature) -> None:
    text = json.dumps(public_lines(client))

    assert [word for word in ("Amina", "Minister", "@", "127.0.0.1", "email") if word in text] == []


def test_journal_of_who_is_not_listed_stays_closed(client: Client) -> None:
    pending = signed()

    lines = public_lines(client)

    assert {line["payload"] for line in lines} == {None}
    assert pending.code not in json.dumps(lines)


# The page itself -----------------------------------------------------------------------------------------------------


def test_page_is_cheap_to_make(
    client: Client, signature: Signature, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(f"{URL}{signature.code}/")

    with django_assert_max_num_queries(8):
        client.get(f"{URL}{signature.code}/")


@pytest.mark.parametrize("language", ["ar", "zh-hans", "fr", "ru", "es"])
def test_pages_in_every_language(client: Client, signature: Signature, language: str) -> None:
    for address in (f"/{language}/coalition/verify/", f"/{language}/coalition/verify/{signature.code}/"):
        page = read(client.get(address))
        assert (len(page.all("h1")), page.one("html")["dir"]) == (1, "rtl" if language == "ar" else "ltr")


def test_pages_of_persons_are_kept_out_of_search_engines(client: Client, signature: Signature) -> None:
    page = read(client.get(f"{URL}{signature.code}/"))

    assert page.one("meta", name="robots")["content"] == "noindex, follow"
    assert reverse("coalition:verify") == URL
