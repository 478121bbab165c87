"""What an attacker would try, one test at least for each line of the list; tests elsewhere are named where they stand.

Guessed codes of certificates: test_verification.py. Forged and foreign statements: test_ceremony.py. Markup and formulas in
pages and files: test_directory.py, test_work.py, tests/knowledge/. Sign-in: tests/ewaste_portal/test_accounts.py.
"""

import io
import json
import logging
import re
import struct
import zlib
from collections import Counter
from typing import Any

import pypdfium2
import pytest
from django.contrib import admin
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.urls import NoReverseMatch, reverse
from fido2.utils import websafe_encode
from fido2.webauthn import CollectedClientData
from PIL import Image

from coalition import files
from coalition.models import Entity, Mandate, Membership
from coalition.urls import urlpatterns
from ewaste_portal import pdf
from ewaste_portal.logs import JsonFormatter
from ewaste_portal.models import User
from tests.coalition.factories import application, focal_point
from tests.coalition.test_acceptance import at_once
from tests.coalition.test_ceremony import (
    ORIGIN,
    Authenticator,
    address,
    confirmed,
    delegation,
    hidden,
    invited,
    prepared,
    proof,
    send,
)
from tests.factories import PASSWORD, EntityFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# Guessed codes and tokens ---------------------------------------------------------------------------------------------


def test_five_tries_hold_for_guesses_that_arrive_at_once(client: Client) -> None:
    _membership, token = invited()
    client.post(address(token, "sign_code"), hidden(client, token))
    fields, cookie = hidden(Client(), token), client.cookies["sessionid"].value

    def guess(number: int) -> str:
        browser = Client()
        browser.cookies["sessionid"] = cookie
        page = browser.post(
            address(token, "sign_with_code"), {**fields, "name": "Amina Example", "code": f"0000-{number:04d}"}
        )
        connections.close_all()
        return "wrong" if "This is not the code" in page.content.decode() else "no more"

    answers = Counter(at_once(*(lambda number=number: guess(number) for number in range(12))))

    assert answers == {"wrong": 5, "no more": 7}


POISONED = {
    "nested too deep": lambda options: "[" * 19_000,
    "far too long": lambda options: "[" * 90_000,
    "no response": lambda options: '{"id": [], "response": []}',
    "attestation without end": lambda options: registration(options, b"\x81" * 9_000),
    "attestation cut off": lambda options: registration(options, b"\xa1\x01"),
}


def registration(options: dict[str, Any], attestation: bytes) -> str:
    """As a browser would send it, but for the attestation."""
    said = CollectedClientData.create("webauthn.create", options["challenge"], ORIGIN)
    response = {"clientDataJSON": websafe_encode(said), "attestationObject": websafe_encode(attestation)}
    return json.dumps(
        {"id": "AA", "rawId": "AA", "type": "public-key", "response": response, "clientExtensionResults": {}}
    )


@pytest.mark.parametrize("poison", POISONED)
def test_poisoned_passkey_is_refused_and_no_error(client: Client, poison: str) -> None:
    _membership, token = invited()
    answer = prepared(client, token)
    fields = {"sealed": answer["sealed"], "state": answer["state"], "assertion": '{"id": "AA"}'}

    page = send(client, token, {**fields, "registration": POISONED[poison](answer["options"])})

    assert page.status_code == 409


def test_what_we_sealed_for_another_purpose_is_no_statement(client: Client) -> None:
    _membership, token = invited()
    answer = prepared(client, token)
    fields = proof(answer, Authenticator())

    assert send(client, token, {**fields, "sealed": answer["state"]}).status_code == 409
    assert send(client, token, {**fields, "state": answer["sealed"]}).status_code == 409
    assert send(client, token, fields).status_code == 200


def test_log_tells_no_secret_address_even_when_a_page_fails(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log could sign in the Head's name."""
    _membership, token = invited()
    client.raise_request_exception = False

    with pytest.MonkeyPatch.context() as patch, caplog.at_level("DEBUG"):
        patch.setattr("coalition.ceremony.shown", lambda *args: 1 / 0)
        assert client.get(address(token)).status_code == 500

    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    lines = [JsonFormatter().format(record) for record in failures]
    assert [json.loads(line)["message"] for line in lines] == ["Internal Server Error: /en/coalition/sign/…/"]
    assert token not in " ".join(lines)


# Another entity's workspace ------------------------------------------------------------------------------------------


def workspace_addresses(slug: str) -> list[str]:
    """Every address of an entity's workspace, as coalition/urls.py has them."""
    found = []
    for pattern in urlpatterns:
        if not str(pattern.pattern).startswith("workspace/"):
            continue
        names = re.findall(r"<\w+:(\w+)>", str(pattern.pattern))
        values = {
            "slug": slug,
            "track": "signatory",
            "step": "head",
            "item": "x",
            "act": "submit",
            "purpose": "withdrawal",
        }
        found.append(reverse(f"coalition:{pattern.name}", kwargs={name: values[name] for name in names}))
    return found


def test_no_page_of_a_workspace_opens_to_the_people_of_another_entity() -> None:
    theirs = application(EntityFactory(slug="theirs"))
    own, stranger = focal_point(EntityFactory(slug="own")), UserFactory(verified=True)
    staff = UserFactory(is_staff=True, is_superuser=True)
    before = list(Membership.objects.values()), list(Entity.objects.values()), list(Mandate.objects.values())

    addresses = workspace_addresses("theirs")
    answers = {
        (method, path, person.pk): getattr(signed_in(person), method)(path).status_code
        for path in addresses
        for method in ("get", "post")
        for person in (own, stranger, staff)
    }

    assert len(addresses) > 12
    assert {key: status for key, status in answers.items() if status not in {404, 405}} == {}
    assert (list(Membership.objects.values()), list(Entity.objects.values()), list(Mandate.objects.values())) == before
    assert signed_in(theirs.owner).get(addresses[0]).status_code == 200  # type: ignore[arg-type]


# Staff powers without a second factor -------------------------------------------------------------------------------


def back_office_addresses() -> list[str]:
    found = ["/media/scans/x.pdf", reverse("admin:autocomplete"), reverse("admin:password_change")]
    for model in admin.site._registry:
        for name in ("changelist", "add", "export", "import"):
            try:
                found.append(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}"))
            except NoReverseMatch:
                continue
    return [*found, reverse("admin:index")]


def test_back_office_is_closed_to_staff_without_a_second_factor(settings: Any) -> None:
    membership = application()
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))
    steps = [reverse("admin:coalition_membership_change", args=[membership.pk])]
    addresses = [*back_office_addresses(), *steps]
    assert root.get(addresses[-2]).status_code == 200  # where the portal does not demand it

    settings.PORTAL_STAFF_MFA = True
    answers = [getattr(root, method)(path) for path in addresses for method in ("get", "post")]

    assert len(addresses) > 30
    assert {(answer.status_code, answer.headers["Location"][:13]) for answer in answers} == {(302, "/admin/login/")}


# Mass sign-up --------------------------------------------------------------------------------------------------------


def test_sign_up_is_slowed_down_whatever_address_is_claimed() -> None:
    def sign_up(number: int) -> int:
        answer = Client(headers={"x-forwarded-for": f"10.0.0.{number}"}).post(
            "/en/account/signup/", {"email": f"bot{number}@spam.example", "password1": "a long password 77"}
        )
        connections.close_all()
        return answer.status_code

    one_by_one = [sign_up(number) for number in range(18)]
    answers = Counter([*one_by_one, *at_once(*(lambda number=number: sign_up(number) for number in range(18, 28)))])

    assert answers == {302: 20, 429: 8}
    assert User.objects.filter(email__endswith="@spam.example").count() == 20


# Markup and hidden signs in names ------------------------------------------------------------------------------------


def test_name_of_a_delegate_is_one_line_without_what_hides_in_text(client: Client) -> None:
    """Else it could write lines of its own into mails and the certificate, or turn the direction of writing."""
    _membership, token = invited()
    hostile = delegation(name="Dele\r\nBcc: x@example.org\r\n\r\nGate\u202e", title="<b>Deputy</b>\u200b")

    confirmed(client, token, "sign_delegate", hostile)

    delegate = Mandate.objects.get(role="delegate")
    assert (delegate.name, delegate.title) == ("Dele Bcc: x@example.org Gate", "<b>Deputy</b>")
    assert {address for message in mail.outbox for address in message.recipients()} & {"x@example.org"} == set()


# Giant and poisoned uploads ------------------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, behind: bytes = b"", pixels: bytes | None = None) -> bytes:
    drawn = zlib.compress((b"\0" + b"\0" * width * 4) * height, 9) if pixels is None else pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", drawn) + behind + chunk(b"IEND", b"")


def half_a_jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((300, 300), 50).convert("RGB").save(out, "JPEG")
    return out.getvalue()[: out.tell() // 2]


BOMBS = {
    "text that unpacks to 80 MB": png(9, 9, behind=chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * 80_000_000, 9))),
    "pixels that break off": png(99, 99, pixels=zlib.compress(b"\0" * 50)),
    "pixels that are none": png(99, 99, pixels=b"garbage"),
    "half a JPEG": half_a_jpeg(),
    "25 million pixels": png(5000, 5000),
    "script in SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "archive": b"PK\x03\x04" + b"\0" * 3_000,
}


def profile(logo: bytes) -> dict[str, Any]:
    return {
        "kind": "un-body", "official_name_en": "Entity", "website": "", "domains": "", "logo_permission": "Yes, 2026.",
        "logo": SimpleUploadedFile("../../logo.png", logo, "image/png"),
    }  # fmt: skip


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_poisoned_logo_is_told_beside_its_field(content: bytes) -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))

    page = signed_in(user).post(reverse("coalition:workspace_profile", args=[entity.slug]), profile(content))

    entity.refresh_from_db()
    assert (page.status_code, list(page.context["form"].errors), bool(entity.logo)) == (200, ["logo"], False)


def test_picture_that_is_also_a_page_loses_all_but_its_pixels() -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))
    both = png(20, 20, behind=chunk(b"tEXt", b"c\0<script>alert(1)</script>")) + b"<script>alert(1)</script>"

    signed_in(user).post(reverse("coalition:workspace_profile", args=[entity.slug]), profile(both))

    answer = Client().get(reverse("coalition:entity_logo", args=[entity.slug]))
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert b"<script" not in answer.getvalue()  # type: ignore[attr-defined]


def memory_bomb() -> bytes:
    """Two kilobytes of PDF whose table of contents unpacks to 900 MB."""
    deflate = zlib.compressobj(9)
    once = b"".join(deflate.compress(b"\0" * 9_000_000) for _part in range(100)) + deflate.flush()
    table = zlib.compress(once, 9)
    start = (
        b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 1>>\nendobj\n"
    )
    head = b"3 0 obj\n<</Type/XRef/Size 4/W[1 2 1]/Root 1 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n"
    return start + head % len(table) + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % len(start)


def test_pdf_that_unpacks_to_gigabytes_is_refused() -> None:
    bomb = memory_bomb()
    assert len(bomb) < 4_000

    with pytest.raises(ValidationError, match="cannot be opened"):
        files.validate_document(SimpleUploadedFile("instrument.pdf", bomb))


def test_pdf_of_a_stranger_is_never_opened_in_the_web_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """PDFium knows one thread only: called from several it now and then breaks, and refuses good files ever after."""
    monkeypatch.setattr(pypdfium2, "PdfDocument", None)
    file = SimpleUploadedFile("instrument.pdf", pdf_of(3))

    answers = at_once(*[lambda: pdf.page_count(pdf_of(3))] * 4)
    files.validate_document(file)

    assert answers == [3] * 4


def pdf_of(pages: int) -> bytes:
    """As simple as can be, with many pages."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(pages))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {pages}>>"]
    objects += ["<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * pages
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\n"
    return out + f"{end}startxref\n{len(out)}\n%%EOF".encode()


# Open redirect, host, session ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"]
)
def test_no_door_leads_to_a_foreign_place(target: str) -> None:
    user = UserFactory(verified=True)
    client = Client()

    into = client.post("/en/account/login/", {"login": user.email, "password": PASSWORD, "next": target})
    out = client.post("/en/account/logout/", {"next": target})
    office = signed_in(UserFactory(is_staff=True)).get("/admin/login/", {"next": target})
    paths = ("//evil.example/", "/en//evil.example/", "/en/coalition/verify//evil.example/")
    plain = [Client().get("/", PATH_INFO=path) for path in paths]

    assert {answer.headers["Location"] for answer in (into, out, office)} <= {"/en/coalition/own-work/", "/", "/admin/"}
    assert [answer.status_code for answer in plain] == [404] * 3


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": "localhost:8000@evil.example"}, {"host": "localhost.evil.example"}],
    ids=lambda headers: headers["host"],
)
def test_foreign_host_is_refused(headers: dict[str, str]) -> None:
    assert Client().get("/en/coalition/", headers=headers).status_code == 400


@pytest.mark.parametrize("name", ["x-forwarded-host", "forwarded"])
def test_host_that_a_visitor_claims_stands_in_no_page(name: str) -> None:
    values = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}

    for path in ("/en/coalition/", "/sitemap.xml", "/en/coalition/entities/?format=json", "/en/account/signup/"):
        answer = Client().get(path, headers={name: values[name]})
        assert (answer.status_code, "evil.example" in answer.content.decode()) == (200, False)


def test_session_from_before_signing_in_opens_nothing_afterwards(client: Client) -> None:
    """An attacker plants a session, waits until its bearer signs in, and finds nobody there."""
    user = UserFactory(verified=True)
    _membership, token = invited()
    client.post(address(token, "sign_code"), hidden(client, token))
    planted = client.cookies["sessionid"].value

    client.post("/en/account/login/", {"login": user.email, "password": PASSWORD})

    assert client.get("/en/account/email/").status_code == 200
    for known in (planted, "attackers0choice0of0session0key0"):
        attacker = Client()
        attacker.cookies["sessionid"] = known
        assert attacker.get("/en/account/email/").status_code == 302
    own = client.cookies["sessionid"].value
    client.post("/en/account/logout/")
    thief = Client()
    thief.cookies["sessionid"] = own
    assert thief.get("/en/account/email/").status_code == 302
