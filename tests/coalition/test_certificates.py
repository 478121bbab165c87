"""Certificates: what they say, in which letters, how they are sealed, and what any change does to them."""

import hashlib
import io
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, InternalError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from coalition import certificates, seal, tasks
from coalition.models import JournalEntry, Signature
from ewaste_portal import typesetting
from tests.coalition.certified import TEXTS, countersigned, made, make_key, signed

pytestmark = pytest.mark.django_db

needs_poppler = pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler-utils is not installed")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> seal.Key:
    return make_key(settings, tmp_path)


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def text_of(pdf: bytes, folder: Path) -> str:
    """What a reader can copy, without the marks that turn the direction of writing."""
    (folder / "text.pdf").write_bytes(pdf)
    return re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", run("pdftotext", folder / "text.pdf", "-"))


def rendered(signature: Signature) -> bytes:
    return certificates.render(signature, head=certificates.Head(7, "ab" * 32))


# What it says ------------------------------------------------------------------------------------------------------


@needs_poppler
def test_certificate_says_who_signed_what_when_and_how_to_check_it(key: seal.Key, tmp_path: Path) -> None:
    signature = countersigned(official_name_en="Ministry of Tests")

    words = " ".join(text_of(made(signature), tmp_path).split())

    sealed_line = JournalEntry.objects.get(event="certificate sealed")
    for expected in (
        "Certificate of signature", "Ministry of Tests", "Amina Example", "Minister", "Head", "Code by e-mail and typed name",
        certificates.moment(signature.signed_at), certificates.moment(signature.countersigned_at), "2026-certified",
        signature.code, signature.text_sha256, signature.evidence_sha256, signature.private_sha256, sealed_line.prev,
        "We, the undersigned, will act together on e-waste.", "A quotation with code.",
    ):  # fmt: skip
        assert str(expected) in words
    assert "demonstration" not in words


@needs_poppler
def test_certificate_of_an_example_says_so_on_every_page(key: seal.Key, tmp_path: Path) -> None:
    (tmp_path / "example.pdf").write_bytes(made(countersigned("ru", is_example=True)))

    pages = run("pdftotext", tmp_path / "example.pdf", "-").rstrip("\f").split("\f")

    assert len(pages) == 4  # the certificate and the letter, in Russian and in the authentic English
    marks = [translation.override(language) for language in ("ru", "ru", "en", "en")]
    for page, mark in zip(pages, marks, strict=True):
        with mark:
            assert gettext("Made up for the demonstration: nobody real signed this.") in page


@needs_poppler
def test_evidence_is_attached_byte_for_byte(key: seal.Key, tmp_path: Path) -> None:
    signature = countersigned()
    (tmp_path / "a.pdf").write_bytes(made(signature))

    run("pdfdetach", "-save", "1", "-o", tmp_path / "evidence.json", tmp_path / "a.pdf")

    assert hashlib.sha256((tmp_path / "evidence.json").read_bytes()).hexdigest() == signature.evidence_sha256


@needs_poppler
@pytest.mark.parametrize(
    ("language", "name", "entity", "phrases"),
    [
        (
            "ar",
            "أمينة مثال",
            "وزارة البيئة",
            ["النفايات الإلكترونية", "e-waste", "ابتداء من عام", "2026", "خطاب النوايا"],
        ),
        ("zh-hans", "示例・李明", "示例环境部", ["承诺自2026年起就电子废物", "意向书"]),
        ("ru", "Амина Примерова", "Министерство", ["обязуемсядействовать"]),
    ],
)
def test_every_script_is_embedded_and_can_be_read_back_in_order(
    key: seal.Key, tmp_path: Path, language: str, name: str, entity: str, phrases: list[str]
) -> None:
    signature = countersigned(language, name=name, official_name_en=entity)
    pdf = made(signature)

    words = " ".join(text_of(pdf, tmp_path).split())
    fonts = [line.split() for line in run("pdffonts", tmp_path / "text.pdf").splitlines()[2:]]
    families = {line[0].split("+")[1].split("-")[0] for line in fonts}

    assert [phrase for phrase in (name, entity) if phrase not in words] == []
    assert [phrase for phrase in phrases if phrase.replace(" ", "") not in words.replace(" ", "")] == []
    assert f"{signature.signed_at:%H:%M:%S}" in words  # digits in order, also inside Arabic
    assert {line[-5] for line in fonts} == {"yes"}  # column "emb"
    assert families <= {"NotoSans", "Amiri", "NotoSansSC", "DejaVuSansMono"}
    assert ("Amiri" in families, "NotoSansSC" in families) == (language == "ar", language == "zh-hans")
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf


def test_same_facts_give_the_same_bytes() -> None:
    signature = countersigned("ar")

    assert rendered(signature) == rendered(signature)


def test_letter_of_another_text_is_not_certified() -> None:
    signature = countersigned()
    signature.text_sha256 = "0" * 64

    with pytest.raises(ValueError, match="not the one that was signed"):
        rendered(signature)


def test_markdown_of_the_letter_becomes_plain_data() -> None:
    found = certificates.blocks(TEXTS["en"])

    assert [block["kind"] for block in found] == ["paragraph", "numbers", "quote"]
    assert found[0]["children"][1] == {"kind": "strong", "children": [{"kind": "text", "text": "act together"}]}


def test_typst_source_in_a_name_stays_a_name(key: seal.Key, tmp_path: Path) -> None:
    name = '#import "x" $a_1$ *b* \\ "q" </svg>'

    assert name in " ".join(text_of(made(countersigned(name=name)), tmp_path).split())


def test_characters_without_a_font_are_named() -> None:
    assert (typesetting.unsettable("Zoë 李 وزارة Ж"), typesetting.unsettable("李\U00020bb7 𠮷龘")) == ("", "𠮷龘")


def test_name_that_cannot_be_set_waits_and_says_why(key: seal.Key) -> None:
    waiting, fine = countersigned(name="李龘"), countersigned()

    with pytest.raises(typesetting.UnsettableError, match="龘"):
        certificates.make(waiting.pk)
    swept = tasks.make_missing_certificates.func()
    waiting.refresh_from_db()
    fine.refresh_from_db()

    assert (swept, waiting.certificate.name, bool(fine.certificate)) == (1, "", True)
    assert (waiting.membership.state, "龘" in certificates.why_waiting(waiting)) == ("active", True)


# Made once ---------------------------------------------------------------------------------------------------------


def test_without_a_key_the_membership_is_active_and_the_sweeper_heals(
    settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        signature = countersigned()
    signature.refresh_from_db()
    before = (
        signature.membership.state,
        signature.certificate.name,
        signature.sealed_at,
        tasks.make_missing_certificates.func(),
    )

    make_key(settings, tmp_path)
    healed = tasks.make_missing_certificates.func()
    signature.refresh_from_db()

    assert before == ("active", "", None, 0)
    assert (healed, signature.certificate.name) == (1, f"certificates/{signature.code}.pdf")
    assert signature.sealed_at is not None


def test_countersigning_makes_the_certificate(
    key: seal.Key, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        signature = countersigned()
    signature.refresh_from_db()

    assert hashlib.sha256(signature.certificate.read()).hexdigest() == signature.certificate_sha256
    assert signature.seal_certificate_sha256 == key.certificate_sha256
    signature.certificate.close()


def test_certificate_is_made_once(key: seal.Key) -> None:
    signature = countersigned()

    assert (certificates.make(signature.pk) is None, certificates.make(signature.pk)) == (False, None)
    assert JournalEntry.objects.filter(event="certificate sealed").count() == 1


def test_signature_without_countersignature_gets_no_certificate(key: seal.Key) -> None:
    assert certificates.make(signed().pk) is None


def test_file_left_by_a_failed_try_is_replaced(key: seal.Key) -> None:
    signature = countersigned()
    left = Path(signature.certificate.storage.path(f"certificates/{signature.code}.pdf"))
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")

    assert made(signature).startswith(b"%PDF-")
    assert left.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("field", ["certificate", "certificate_sha256", "sealed_at", "seal_certificate_sha256"])
def test_certificate_is_never_replaced(key: seal.Key, field: str) -> None:
    signature = countersigned()
    made(signature)
    other = timezone.now() if field == "sealed_at" else "f" * 64

    with pytest.raises((IntegrityError, InternalError), match="written once"), transaction.atomic():
        Signature.objects.filter(pk=signature.pk).update(**{field: other})


@pytest.mark.django_db(transaction=True)
def test_four_workers_make_one_certificate(settings: Any, tmp_path: Path) -> None:
    signature = countersigned()  # there is no key yet
    make_key(settings, tmp_path)
    results: list[bool] = []

    def work() -> None:
        results.append(certificates.make(signature.pk) is not None)
        connection.close()

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False, False, False, True]


# The seal ----------------------------------------------------------------------------------------------------------


def with_annotation(pdf: bytes) -> bytes:
    """A note "REVOKED" on the first page, as an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Text"),
            generic.pdf_name("/Contents"): generic.pdf_string("REVOKED"),
            generic.pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(n) for n in (10, 10, 30, 30)]),
        }
    )
    annotations = page.get("/Annots", generic.ArrayObject())
    annotations.append(writer.add_object(note))
    page["/Annots"] = annotations
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flipped(pdf: bytes, place: int) -> bytes:
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def test_seal_is_intact_and_any_change_is_found(key: seal.Key) -> None:
    pdf = made(countersigned())
    found = seal.examine(pdf)

    assert (found.state, found.certificate_sha256, found.part_sha256) == (
        "intact", key.certificate_sha256, hashlib.sha256(pdf).hexdigest(),
    )  # fmt: skip
    assert seal.examine(pdf + b"\n% more").state == "extended"
    assert seal.examine(pdf + b"\n% more").part_sha256 == found.part_sha256
    assert not seal.examine(with_annotation(pdf)).is_intact
    assert {seal.examine(flipped(pdf, place)).is_intact for place in range(200, found.byte_range[1], 4_001)} == {False}


def test_seal_of_somebody_else_is_not_trusted(key: seal.Key, settings: Any, tmp_path: Path) -> None:
    pdf = made(countersigned())
    make_key(settings, tmp_path / "other")

    assert seal.examine(pdf).state == "untrusted"


def test_upload_is_examined_in_a_process_with_limits(key: seal.Key) -> None:
    pdf = made(countersigned())

    assert seal.examine_upload(pdf) == seal.examine(pdf)
    assert seal.examine_upload(b"no PDF").state == "unreadable"
    assert seal.examine_upload(rendered(Signature.objects.get())).state == "none"


@needs_poppler
def test_pdfsig_accepts_the_seal_and_refuses_after_one_flipped_bit(key: seal.Key, tmp_path: Path) -> None:
    pdf = made(countersigned())
    (tmp_path / "good.pdf").write_bytes(pdf)
    (tmp_path / "bad.pdf").write_bytes(flipped(pdf, 500))

    good, bad = (
        subprocess.run(["pdfsig", tmp_path / name], capture_output=True, text=True).stdout
        for name in ("good.pdf", "bad.pdf")
    )

    assert ("Signature is Valid." in good, "Total document signed" in good) == (True, True)
    assert ("Signature is Valid." in bad, "Digest Mismatch" in bad) == (False, True)


@needs_poppler
@needs_openssl
def test_openssl_accepts_the_seal_and_refuses_after_one_flipped_bit(key: seal.Key, tmp_path: Path) -> None:
    """The commands of docs/verification.md."""
    pdf = made(countersigned())
    (tmp_path / "certificate.pdf").write_bytes(pdf)
    subprocess.run(["pdfsig", "-dump", "certificate.pdf"], cwd=tmp_path, capture_output=True, check=True)
    _zero, first, start, length = seal.examine(pdf).byte_range
    command = "openssl cms -verify -inform DER -in certificate.pdf.sig0 -content part.bin -binary -CAfile seal/root.pem"
    command += " -purpose any -out /dev/null"

    answers = []
    for content in (pdf, flipped(pdf, 500)):
        (tmp_path / "part.bin").write_bytes(content[:first] + content[start : start + length])
        answers.append(subprocess.run(command.split(), cwd=tmp_path, capture_output=True).returncode)

    assert answers[0] == 0
    assert answers[1] != 0


# The key -----------------------------------------------------------------------------------------------------------


def test_key_is_private_and_never_overwritten(settings: Any, tmp_path: Path) -> None:
    make_key(settings, tmp_path)
    folder = tmp_path / "seal"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    out = io.StringIO()

    call_command("make_seal_key", folder=folder, stdout=out)

    assert "nothing was changed" in out.getvalue()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (folder.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in folder.iterdir()}) == (
        0o700,
        {0o600},
    )


def test_key_that_cannot_be_used_says_why(key: seal.Key, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("no key")
    good = settings.PORTAL_SEAL_KEY

    settings.PORTAL_SEAL_KEY = str(tmp_path / "wrong.pem")
    with pytest.raises(seal.SealError, match="PEM file"):
        seal.load()
    settings.PORTAL_SEAL_KEY, settings.PORTAL_SEAL_CERTIFICATES = good, ""
    with pytest.raises(seal.SealError, match="up to its root"):
        seal.load()
    settings.PORTAL_SEAL_KEY = ""
    assert seal.load() is None


def test_old_seal_stays_good_when_a_new_key_takes_over(key: seal.Key, settings: Any, tmp_path: Path) -> None:
    pdf = made(countersigned())
    old_chain = Path(settings.PORTAL_SEAL_CERTIFICATES).read_bytes()
    make_key(settings, tmp_path / "new")
    chain = Path(settings.PORTAL_SEAL_CERTIFICATES)
    chain.write_bytes(chain.read_bytes() + old_chain)

    assert (seal.examine(pdf).is_intact, seal.examine(made(countersigned())).is_intact) == (True, True)


# How long it takes -------------------------------------------------------------------------------------------------


def test_time_for_a_certificate_is_reported(key: seal.Key, capsys: pytest.CaptureFixture[str]) -> None:
    signature = countersigned("zh-hans")
    times: dict[str, list[float]] = {"render": [], "seal": [], "validate": []}

    for number in range(9):
        started = time.perf_counter()
        pdf = certificates.render(signature, head=certificates.Head(number, f"{number:064}"))
        times["render"].append(time.perf_counter() - started)
        started = time.perf_counter()
        pdf = seal.seal(pdf, key, reason="test", location="test")
        times["seal"].append(time.perf_counter() - started)
        started = time.perf_counter()
        assert seal.examine(pdf).is_intact
        times["validate"].append(time.perf_counter() - started)

    medians = {name: statistics.median(values) * 1000 for name, values in times.items()}
    with capsys.disabled():
        words = ", ".join(f"{name} {value:.0f} ms" for name, value in medians.items())
        sys.stdout.write(f"\nCertificate: {words}, together {sum(medians.values()):.0f} ms, {len(pdf):,} bytes\n")
    assert set(medians) == {"render", "seal", "validate"}
