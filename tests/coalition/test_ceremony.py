"""The signing ceremony: what reading may not do, what signing does once, and everything that is refused."""

import base64
import hashlib
import io
import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.core import mail, signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from coalition import actions, ceremony, tasks
from coalition.models import Invitation, JournalEntry, Letter, Mandate, Membership, Signature
from coalition.views import ceremony as views
from tests.coalition.factories import approved, published_letter
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "http://localhost:8000"


# What the tests need ---------------------------------------------------------------------------------------------


def token_of(message: Any) -> str:
    found = re.search(r"/sign/([\w-]{43})/", message.body)
    assert found, message.body
    return found[1]


def invited(**fields: Any) -> tuple[Membership, str]:
    """A membership with its Head, and the token of the Head's mail."""
    membership = approved(**fields)
    return membership, token_of(next(m for m in reversed(mail.outbox) if m.to == [membership.head_email]))


def address(token: str, name: str = "sign") -> str:
    return reverse(f"coalition:{name}", args=[token])


def hidden(client: Client, token: str, **query: str) -> dict[str, str]:
    """The hidden fields of the page as a browser would send them, with the tick."""
    html = client.get(address(token), query).content.decode()
    fields = {
        name: re.search(rf'name="{name}" value="([^"]+)"', html)[1]  # type: ignore[index]
        for name in ("language", "shown")
    }
    return {**fields, "confirmed": "on"}


def sign_with_code(client: Client, token: str, *, name: str = "Amina Example") -> Any:
    """The whole way without a passkey."""
    sent = client.post(address(token, "sign_code"), hidden(client, token))
    assert sent.status_code == 302, sent.content.decode()
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code
    return client.post(address(token, "sign_with_code"), {**code_page(client, sent), "name": name, "code": code[1]})


def code_page(client: Client, sent: Any) -> dict[str, str]:
    html = client.get(sent["Location"]).content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]+)"', html)[1] for name in ("language", "shown")}  # type: ignore[index]


class Authenticator:
    """A passkey in Python: P-256, with the flags that it is told to set."""

    def __init__(self, *, flags: int = 0x45, origin: str = ORIGIN, host: str = "localhost") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = b"i" * 32
        self.flags, self.origin = flags, origin
        self.host_hash = hashlib.sha256(host.encode()).digest()

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        credential = AttestedCredentialData.create(
            Aaguid(b"\0" * 16), self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(self.host_hash, self.flags, 0, credential)
        client_data = CollectedClientData.create("webauthn.create", options["challenge"], self.origin)
        return self._answer(clientDataJSON=client_data, attestationObject=AttestationObject.create("none", data, {}))

    def sign(self, challenge: str) -> dict[str, Any]:
        data = AuthenticatorData.create(self.host_hash, self.flags & ~0x40, 1)
        client_data = CollectedClientData.create("webauthn.get", challenge, self.origin)
        signature = self.key.sign(bytes(data) + client_data.hash, ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client_data, authenticatorData=data, signature=signature)

    def _answer(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {name: websafe_encode(bytes(value)) for name, value in response.items()},
            "clientExtensionResults": {},
        }


def prepared(client: Client, token: str, **query: str) -> dict[str, Any]:
    answer = client.post(
        address(token, "sign_prepare"), hidden(client, token, **query), headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def proof(answer: dict[str, Any], authenticator: Authenticator) -> dict[str, str]:
    """What the script sends after the authenticator has answered."""
    return {
        "sealed": answer["sealed"],
        "state": answer["state"],
        "registration": json.dumps(authenticator.register(answer["options"])),
        "assertion": json.dumps(authenticator.sign(answer["challenge"])),
    }


def send(client: Client, token: str, fields: dict[str, str]) -> Any:
    return client.post(address(token, "sign_passkey"), fields, headers={"accept": "application/json"})


def sign_with_passkey(client: Client, token: str) -> Any:
    return send(client, token, proof(prepared(client, token), Authenticator()))


def everything() -> dict[str, list[str]]:
    """Every row of every table, as text: what a page that only shows may not change."""
    with connection.cursor() as cursor:
        rows = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows[table] = [row[0] for row in cursor.fetchall()]
    return rows


def events(membership: Membership) -> list[str]:
    return list(JournalEntry.objects.filter(membership=membership).order_by("pk").values_list("event", flat=True))


# Reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "sign",
        "sign_decline",
        "sign_delegate",
        "sign_with_code",
        "sign_prepare",
        "sign_passkey",
        "sign_code",
        "sign_done",
    ],
)
def test_reading_any_page_of_the_ceremony_changes_nothing(client: Client, name: str) -> None:
    _membership, token = invited()
    before = everything()

    for method in (client.get, client.head):
        response = method(
            address(token, name), follow=name in {"sign_prepare", "sign_passkey", "sign_code", "sign_done"}
        )
        assert response.status_code == 200

    assert everything() == before
    assert not client.cookies


def test_page_shows_who_how_listed_and_the_letter(client: Client) -> None:
    entity = EntityFactory(official_name_en="Ministry of Tests", official_name_ar="وزارة", short_name_en="MoT")
    _membership, token = invited(entity=entity)

    html = client.get(address(token)).content.decode()

    for part in (
        "Ministry of Tests",
        "وزارة",
        "MoT",
        "Amina Example",
        "Minister",
        "Text of the letter in en.",
        "Sign the Letter of Intent",
    ):
        assert part in html, part
    assert "minister@ministry.example.org" not in html
    assert html.count("<h1") == 1


def test_letter_is_shown_in_the_chosen_language(client: Client) -> None:
    _membership, token = invited()

    html = client.get(address(token), {"letter": "ar"}).content.decode()

    assert "Text of the letter in ar." in html
    assert '<div class="panel prose" lang="ar" dir="rtl">' in html


def test_page_tells_no_other_site_and_stays_in_no_cache(client: Client) -> None:
    _membership, token = invited()

    response = client.get(address(token))

    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in response.content.decode()


@pytest.mark.parametrize("name", ["sign", "sign_prepare", "sign_done"])
def test_unknown_address_is_not_found(client: Client, name: str) -> None:
    invited()

    assert client.get(address("x" * 43, name)).status_code == 404
    assert client.post(address("x" * 43, name)).status_code == 404


def test_refusal_does_not_log_the_secret_address(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    membership, token = invited()
    client.force_login(membership.owner)

    with caplog.at_level("DEBUG"):
        assert client.post(address(token, "sign_prepare")).status_code == 403

    assert token not in caplog.text


# Signing once ------------------------------------------------------------------------------------------------------


def test_head_signs_with_a_passkey(client: Client) -> None:
    membership, token = invited()

    answer = sign_with_passkey(client, token)

    assert answer.json() == {"done": address(token, "sign_done")}
    signature = Signature.objects.get()
    assert (signature.method, signature.signer_name, signature.capacity) == ("passkey", "Amina Example", "head")
    assert Membership.objects.get(pk=membership.pk).state == "signed"
    ceremony.verify_passkey_evidence(json.loads(signature.evidence))


def test_head_signs_with_a_code_and_the_typed_name(client: Client) -> None:
    _membership, token = invited()

    response = sign_with_code(client, token, name="  amina   EXAMPLE ")

    assert response["Location"] == address(token, "sign_done")
    signature = Signature.objects.get()
    evidence = json.loads(signature.evidence)
    assert (signature.method, evidence["typed_name"]) == ("email-code", "amina   EXAMPLE")
    assert evidence["private_sha256"] == signature.private_sha256
    assert "minister@" not in signature.evidence


def test_statement_says_what_was_signed(client: Client) -> None:
    membership, token = invited()
    sign_with_code(client, token)

    statement = json.loads(json.loads(Signature.objects.get().evidence)["statement"])

    text = membership.letter.texts.get(language="en")
    assert statement["text_sha256"] == text.sha256 == hashlib.sha256(text.body.encode()).hexdigest()
    assert statement["confirmed"] == ["read", "on-behalf", "capacity"]
    assert statement["at"].endswith("+00:00")


def test_two_browsers_at_once_make_one_signature() -> None:
    membership, token = invited()
    fields = [proof(prepared(Client(), token), Authenticator()) for _browser in range(2)]
    start, answers = threading.Barrier(2), []

    def act(browser: dict[str, str]) -> None:
        try:
            start.wait()
            answers.append(send(Client(), token, browser))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=[browser]) for browser in fields]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert [answer.json() for answer in answers] == [{"done": address(token, "sign_done")}] * 2
    assert Signature.objects.count() == 1
    assert events(membership).count("signature original") == 1


def test_signing_and_lapsing_at_once_do_not_lock_each_other() -> None:
    membership, token = invited()
    fields, start, failures = proof(prepared(Client(), token), Authenticator()), threading.Barrier(2), []

    def run(act: Callable[[], Any]) -> None:
        try:
            start.wait()
            act()
        except actions.ValidationError:
            pass  # the signature was first
        except Exception as error:  # noqa: BLE001  a thread's failure has to reach the test
            failures.append(error)
        finally:
            connections.close_all()

    acts = [lambda: send(Client(), token, fields), lambda: actions.lapse(membership=membership)]
    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert failures == []
    assert Membership.objects.get().state in {"signed", "lapsed"}
    assert Signature.objects.exists() == (Membership.objects.get().state == "signed")


def test_repeated_post_gives_the_same_signature(client: Client) -> None:
    membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())

    first, second = send(client, token, fields), send(client, token, fields)

    assert first.json() == second.json()
    assert Signature.objects.count() == 1
    assert events(membership).count("signature original") == 1


def test_repeated_post_long_after_still_leads_to_the_done_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())
    send(client, token, fields)
    monkeypatch.setattr(ceremony, "STATEMENT_LASTS", -1)

    assert send(client, token, fields).json() == {"done": address(token, "sign_done")}


def test_done_page_has_reference_and_time_with_zone_and_stays(client: Client) -> None:
    _membership, token = invited()
    sign_with_code(client, token)
    signature = Signature.objects.get()
    Invitation.objects.update(expires_at=timezone.now() + timedelta(seconds=0.01))

    response = client.get(address(token), follow=True)

    html = response.content.decode()
    assert response.redirect_chain == [(address(token, "sign_done"), 302)]
    assert signature.code in html
    assert f"{signature.signed_at:%H:%M:%S} UTC" in html
    assert signature.get_absolute_url() in html


def test_address_in_the_private_evidence_is_the_readers_behind_two_proxies(client: Client, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    _membership, token = invited()
    client.defaults["HTTP_X_FORWARDED_FOR"] = "6.6.6.6, 203.0.113.7, 10.0.0.1"

    sign_with_code(client, token)

    assert json.loads(Signature.objects.get().private)["address"] == "203.0.113.7"


def test_delegates_journal_and_evidence_hold_no_contact_data(client: Client) -> None:
    _membership, token = invited()
    sign_with_passkey(client, token)

    lines = " ".join(JournalEntry.objects.values_list("payload", flat=True))

    assert "@" not in lines
    assert "127.0.0.1" not in lines + Signature.objects.get().evidence


# Refused -------------------------------------------------------------------------------------------------------------


def refused(answer: Any) -> str:
    assert answer.status_code == 409, answer.content.decode()
    assert Signature.objects.count() == 0
    return answer.json()["error"]


@pytest.mark.parametrize(
    "name", ["sign", "sign_prepare", "sign_passkey", "sign_code", "sign_with_code", "sign_decline", "sign_delegate"]
)
def test_assistant_who_is_signed_in_is_refused_and_recorded(client: Client, name: str) -> None:
    membership, token = invited()
    client.force_login(membership.owner)

    response = client.post(address(token, name), {})

    assert response.status_code == 403
    assert "Only the Head can do this" in response.content.decode()
    line = JournalEntry.objects.filter(membership=membership).latest("pk")
    assert (line.event, json.loads(line.payload)["account"]) == ("signing refused to an assistant", membership.owner.pk)


def test_assistant_sees_the_same_page_in_the_workspace_and_no_secret(rf: RequestFactory) -> None:
    membership, _token = invited()
    request = rf.get("/en/coalition/workspace/x/preview/")
    request.user = membership.owner

    html = views.preview(request, membership).content.decode()

    assert "Text of the letter in en." in html
    assert "Amina Example" in html
    assert "/sign/" not in html
    assert "fieldset disabled" in html


def test_stranger_sees_no_preview(rf: RequestFactory) -> None:
    membership, _token = invited()
    request = rf.get("/en/coalition/workspace/x/preview/")
    request.user = UserFactory()

    with pytest.raises(views.PermissionDenied):
        views.preview(request, membership)


def test_mandate_that_ended_yesterday_does_not_sign(client: Client) -> None:
    _membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())
    today = timezone.localdate()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), today))

    page, answer = client.get(address(token)), send(client, token, fields)

    assert page.status_code == 410
    assert "The mandate that this invitation was addressed to has ended." in page.content.decode()
    assert refused(answer) == "The mandate that this invitation was addressed to has ended."


def test_mandate_ended_by_its_function_says_so_rather_than_replaced(client: Client) -> None:
    _membership, token = invited()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), None))
    actions.end_role(mandate=Mandate.objects.get(role="head"))

    assert "mandate" in client.get(address(token)).content.decode()
    assert ceremony.state_of(ceremony.find(token)) == "mandate-ended"  # type: ignore[arg-type]


def test_letter_republished_while_it_is_read_is_read_again(client: Client) -> None:
    _membership, token = invited()
    page, fields = hidden(client, token), proof(prepared(client, token), Authenticator())
    Membership.objects.update(letter=published_letter("2026-second"))

    answer = send(client, token, fields)
    by_code = client.post(address(token, "sign_code"), page)

    assert "republished" in refused(answer)
    assert by_code.status_code == 409
    assert "changed while you read" in by_code.content.decode()
    assert sign_with_passkey(client, token).status_code == 200
    assert Signature.objects.get().letter.version == "2026-second"


def test_title_corrected_while_the_page_is_read_is_read_again(client: Client) -> None:
    _membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())
    Mandate.objects.filter(role="head").update(title="Deputy Minister")

    assert "changed while you read" in refused(send(client, token, fields))


def test_tampered_statement_is_refused(client: Client) -> None:
    _membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())

    assert "changed on its way" in refused(send(client, token, {**fields, "sealed": fields["sealed"][:-1] + "x"}))


def test_statement_older_than_five_minutes_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())
    later = signing.time.time() + 301
    monkeypatch.setattr(signing.time, "time", lambda: later)

    assert "Five minutes have passed" in refused(send(client, token, fields))


def test_statement_of_another_invitation_is_refused(client: Client) -> None:
    _membership, token = invited()
    _other, other_token = invited(head_email="other@example.org", letter=published_letter("other"))
    fields = proof(prepared(client, other_token), Authenticator())

    assert "changed on its way" in refused(send(client, token, fields))


@pytest.mark.parametrize(
    "authenticator",
    [
        {"flags": 0x41},
        {"origin": "http://localhost:9999"},
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
    ],
    ids=["user not verified", "other port", "other site", "other relying party"],
)
def test_passkey_that_does_not_fit_is_refused(client: Client, authenticator: dict[str, Any]) -> None:
    _membership, token = invited()

    fields = proof(prepared(client, token), Authenticator(**authenticator))

    assert "did not confirm this letter" in refused(send(client, token, fields))


def test_passkey_over_another_statement_is_refused(client: Client) -> None:
    _membership, token = invited()
    first, second, authenticator = prepared(client, token), prepared(client, token), Authenticator()

    fields = {**proof(first, authenticator), "assertion": json.dumps(authenticator.sign(second["challenge"]))}

    assert "did not confirm this letter" in refused(send(client, token, fields))


@pytest.mark.parametrize("field", ["registration", "assertion"])
@pytest.mark.parametrize(
    "rubbish",
    ["", "[]", "{}", "nonsense", '{"rawId": 3}', '{"id": "aa", "rawId": "aa", "response": {"clientDataJSON": "e30"}}'],
)
def test_rubbish_for_a_passkey_is_refused(client: Client, field: str, rubbish: str) -> None:
    _membership, token = invited()

    fields = {**proof(prepared(client, token), Authenticator()), field: rubbish}

    assert "did not confirm this letter" in refused(send(client, token, fields))


def test_nothing_is_signed_without_the_tick(client: Client) -> None:
    _membership, token = invited()
    fields = {**hidden(client, token), "confirmed": ""}

    script = client.post(address(token, "sign_prepare"), fields, headers={"accept": "application/json"})
    plain = client.post(address(token, "sign_code"), fields)

    assert "Tick the box" in refused(script)
    assert "Tick the box" in plain.content.decode()
    assert not [message for message in mail.outbox if "code" in message.subject.lower()]


# The code ------------------------------------------------------------------------------------------------------------


def code_sent(client: Client, token: str) -> tuple[dict[str, str], str]:
    sent = client.post(address(token, "sign_code"), hidden(client, token))
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code
    return {**code_page(client, sent), "name": "Amina Example"}, code[1]


def test_code_is_good_for_five_tries(client: Client) -> None:
    _membership, token = invited()
    fields, code = code_sent(client, token)

    for _time in range(5):
        wrong = client.post(address(token, "sign_with_code"), {**fields, "code": "0000-0000"})
        assert "not the code of the latest mail" in wrong.content.decode()
    right = client.post(address(token, "sign_with_code"), {**fields, "code": code})

    assert "Too many wrong codes" in right.content.decode()
    assert Signature.objects.count() == 0


def test_code_is_read_however_it_is_typed(client: Client) -> None:
    _membership, token = invited()
    fields, code = code_sent(client, token)

    typed = f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} "

    assert client.post(address(token, "sign_with_code"), {**fields, "code": typed}).status_code == 302


def test_code_is_good_for_ten_minutes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _membership, token = invited()
    fields, code = code_sent(client, token)
    session = client.session
    key = f"signing-code-{Invitation.objects.get().pk}"
    session[key] = {**session[key], "until": session[key]["until"] - 600}
    session.save()

    late = client.post(address(token, "sign_with_code"), {**fields, "code": code})

    assert "no longer valid" in late.content.decode()
    assert Signature.objects.count() == 0


def test_code_works_in_its_own_browser_alone(client: Client) -> None:
    _membership, token = invited()
    fields, code = code_sent(client, token)

    elsewhere = Client().post(address(token, "sign_with_code"), {**fields, "code": code})

    assert "no longer valid" in elsewhere.content.decode()
    assert Signature.objects.count() == 0


def test_newer_code_replaces_the_older(client: Client) -> None:
    _membership, token = invited()
    fields, old = code_sent(client, token)
    _fields, new = code_sent(client, token)

    answers = [client.post(address(token, "sign_with_code"), {**fields, "code": code}) for code in (old, new)]

    assert [answer.status_code for answer in answers] == [200, 302]


def test_another_name_is_refused_and_the_code_stays_good(client: Client) -> None:
    _membership, token = invited()
    fields, code = code_sent(client, token)

    other = client.post(address(token, "sign_with_code"), {**fields, "name": "Somebody Else", "code": code})
    right = client.post(address(token, "sign_with_code"), {**fields, "code": code})

    assert "Type the full name" in other.content.decode()
    assert right.status_code == 302


def test_codes_are_throttled(client: Client) -> None:
    _membership, token = invited()
    fields = hidden(client, token)

    answers = [client.post(address(token, "sign_code"), fields).status_code for _time in range(4)]

    assert answers == [302, 302, 302, 429]


# Decline, hand over, correct ------------------------------------------------------------------------------------------


def confirmed(client: Client, token: str, name: str, fields: dict[str, Any], **options: Any) -> Any:
    """Declining or handing over with the code of the mail."""
    sent = client.post(address(token, name), {"send": "code"})
    assert sent.status_code == 302, sent.content.decode()
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code
    assert 'name="code"' in client.get(sent["Location"]).content.decode()
    return client.post(address(token, name), {**fields, "code": code[1]}, **options)


def test_head_declines_with_a_reason(client: Client) -> None:
    membership, token = invited()

    silent = confirmed(client, token, "sign_decline", {"words": "No."})
    response = confirmed(client, token, "sign_decline", {"reason": "text", "words": "Point 3."}, follow=True)

    membership.refresh_from_db()
    assert silent.status_code == 200
    assert (membership.state, membership.reason) == ("declined", "We do not agree with a part of the text. Point 3.")
    assert "You declined to sign" in response.content.decode()


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")


def delegation(**fields: Any) -> dict[str, Any]:
    instrument = SimpleUploadedFile("powers.png", PNG, "image/png")
    return {
        "name": "Dele Gate",
        "title": "Director",
        "email": "delegate@example.org",
        "instrument": instrument,
        **fields,
    }


def test_head_hands_over_to_a_delegate_who_signs(client: Client) -> None:
    _membership, token = invited()

    response = confirmed(client, token, "sign_delegate", delegation(), follow=True)
    new_token = token_of(next(m for m in reversed(mail.outbox) if m.to == ["delegate@example.org"]))
    html = Client().get(address(new_token)).content.decode()
    sign_with_code(Client(), new_token, name="Dele Gate")

    assert "You handed over to <bdi>Dele Gate</bdi>" in response.content.decode()
    assert "I hold the delegation of" in html
    signature = Signature.objects.get()
    assert (signature.capacity, signature.signer_name) == ("delegate", "Dele Gate")
    assert json.loads(signature.evidence)["instrument_sha256"] == hashlib.sha256(PNG).hexdigest()


@pytest.mark.parametrize("code", ["", "0000-0000"])
@pytest.mark.parametrize("name", ["sign_decline", "sign_delegate"])
def test_address_alone_neither_declines_nor_hands_over(client: Client, name: str, code: str) -> None:
    membership, token = invited()
    fields = {"sign_decline": {"reason": "other"}, "sign_delegate": delegation()}[name]
    first = client.get(address(token, name)).content.decode()
    client.post(address(token, name), {"send": "code"})

    answer = client.post(address(token, name), {**fields, "code": code})

    assert 'name="code"' not in first
    assert "There is a problem" in answer.content.decode()
    membership.refresh_from_db()
    assert membership.state == "signing"
    assert not Mandate.objects.filter(role="delegate").exists()
    with pytest.raises(ceremony.Refused, match="Confirm with a code"):
        ceremony.decline(ceremony.find(token), reason="Other.")  # type: ignore[arg-type]
    with pytest.raises(ceremony.Refused, match="Confirm with a code"):
        ceremony.delegate(ceremony.find(token), **delegation())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sign_decline", "sign_delegate"])
def test_code_of_another_browser_neither_declines_nor_hands_over(client: Client, name: str) -> None:
    membership, token = invited()
    fields = {"sign_decline": {"reason": "other"}, "sign_delegate": delegation()}[name]
    client.post(address(token, name), {"send": "code"})
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code
    assert mail.outbox[-1].to == [membership.head_email]

    answer = Client().post(address(token, name), {**fields, "code": code[1]})

    assert "The code is no longer valid" in answer.content.decode()
    assert Membership.objects.get(pk=membership.pk).state == "signing"
    assert not Mandate.objects.filter(role="delegate").exists()


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"%PDF-1.4 not a pdf", b"MZ\x90\x00"])
def test_instrument_that_is_no_document_is_refused(client: Client, content: bytes) -> None:
    _membership, token = invited()

    response = client.post(
        address(token, "sign_delegate"), delegation(instrument=SimpleUploadedFile("powers.pdf", content))
    )

    assert response.status_code == 200
    assert "There is a problem" in response.content.decode()
    assert not Mandate.objects.filter(role="delegate").exists()


def test_delegate_cannot_delegate_again(client: Client) -> None:
    _membership, token = invited()
    confirmed(client, token, "sign_delegate", delegation())
    new_token = token_of(next(m for m in reversed(mail.outbox) if m.to == ["delegate@example.org"]))

    third = delegation(name="Third", email="third@example.org")
    client.post(address(new_token, "sign_delegate"), {"send": "code"})
    client.post(address(new_token, "sign_delegate"), third)
    with pytest.raises(ceremony.Refused, match="Only the Head can delegate"):
        ceremony.delegate(ceremony.find(new_token), code_was_checked=True, **third)  # type: ignore[arg-type]

    assert Mandate.objects.filter(role="delegate").count() == 1


@pytest.mark.parametrize(
    ("about", "subject"), [("correction", "asks for a correction"), ("wrong-person", "wrong person")]
)
def test_one_tap_tells_focal_point_and_staff_and_loses_nothing(
    client: Client, settings: Any, about: str, subject: str
) -> None:
    membership, token = invited()
    mail.outbox.clear()

    response = client.post(address(token), {"about": about}, follow=True)

    told = [message for message in mail.outbox if subject in message.subject]
    assert sorted(to for message in told for to in message.to) == sorted(
        [membership.owner.email, settings.PORTAL_CONTACT]
    )
    assert all(token not in message.body for message in told)
    assert "Sign the Letter of Intent" in response.content.decode()
    assert ceremony.state_of(ceremony.find(token)) == "open"  # type: ignore[arg-type]


# Closed ----------------------------------------------------------------------------------------------------------------


def close(state: str, membership: Membership) -> None:
    if state == "revoked":
        ceremony.invite(membership=membership, by=None)
    if state == "expired":
        Invitation.objects.update(
            created_at=timezone.now() - timedelta(days=31), expires_at=timezone.now() - timedelta(days=1)
        )
    if state == "closed":
        actions.back_to_review(membership=membership, by=UserFactory(), reason="The name is wrong.")


@pytest.mark.parametrize("state", ["revoked", "expired", "closed"])
def test_closed_invitation_has_a_kind_page_and_signs_nothing(client: Client, state: str) -> None:
    membership, token = invited()
    fields = proof(prepared(client, token), Authenticator())
    close(state, membership)

    page, answer = client.get(address(token)), send(client, token, fields)

    assert page.status_code == 410
    assert "What you can do" in page.content.decode()
    assert "Text of the letter" not in page.content.decode()
    assert refused(answer) == ceremony.refusal(state)


def test_sending_again_revokes_and_the_new_address_works(client: Client) -> None:
    membership, old = invited()
    ceremony.invite(membership=membership, by=None)
    new = token_of(mail.outbox[-1])

    assert [client.get(address(token)).status_code for token in (old, new)] == [410, 200]
    assert Invitation.objects.alive().count() == 1


def test_two_invitations_at_once_leave_one_alive() -> None:
    membership, _token = invited()
    start, failures = threading.Barrier(2), []

    def act() -> None:
        try:
            start.wait()
            ceremony.invite(membership=membership, by=None)
        except Exception as error:  # noqa: BLE001  a thread's failure has to reach the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _time in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert failures == []
    assert Invitation.objects.alive().count() == 1


def test_corrected_title_reaches_the_next_invitation(client: Client) -> None:
    membership, _token = invited()
    Membership.objects.update(head_title="Minister of State")
    membership.refresh_from_db()

    ceremony.invite(membership=membership, by=None)

    assert "Minister of State" in client.get(address(token_of(mail.outbox[-1]))).content.decode()
    assert Mandate.objects.filter(role="head").count() == 1


def test_head_named_twice_on_one_day_is_put_right() -> None:
    membership, _token = invited()
    for name in ("Second Name", "Third Name"):
        Membership.objects.update(head_name=name, head_email=f"{name[0].lower()}@example.org")
        membership.refresh_from_db()
        ceremony.invite(membership=membership, by=None)

    assert Mandate.objects.get(role="head").name == "Third Name"


# The secret ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["sign_with_code", "sign_with_passkey", "sign_decline", "sign_delegate"])
def test_token_is_nowhere_in_the_database(client: Client, end: str) -> None:
    """In no column of any table: history of changes, tasks, sessions and cache included."""
    _membership, token = invited()
    client.post(address(token), {"about": "correction", "words": "Please."})
    acts: dict[str, Callable[[], Any]] = {
        "sign_with_code": lambda: sign_with_code(client, token),
        "sign_with_passkey": lambda: sign_with_passkey(client, token),
        "sign_decline": lambda: confirmed(client, token, end, {"reason": "other"}),
        "sign_delegate": lambda: confirmed(client, token, end, delegation()),
    }
    assert acts[end]().status_code in {200, 302}

    tables = everything()

    tokens = {token_of(message) for message in mail.outbox if "/sign/" in message.body}
    assert sum(len(rows) for rows in tables.values()) > 50
    assert "/coalition/sign/" in " ".join(
        tables["pghistory_context"]
    )  # the history tells which page, not which address
    assert [name for name, rows in tables.items() if any(secret in row for row in rows for secret in tokens)] == []
    assert any(ceremony.token_hash(token) in row for row in tables["coalition_invitation"])


def test_token_goes_past_the_queue(settings: Any, client: Client) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "mail"]}}
    settings.EMAIL_BACKEND = "ewaste_portal.mail.QueuedEmailBackend"

    _membership, token = invited()

    rows = everything()["django_tasks_database_dbtaskresult"]
    assert rows  # the focal point's mails wait there
    assert not any(token in row for row in rows)


# Delivery ---------------------------------------------------------------------------------------------------------------


class Door:
    """A mail server that takes everything, or no recipient at all."""

    def __init__(self, *, accepts: bool) -> None:
        self.accepts, self.messages = accepts, []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:  # noqa: N802
        if not self.accepts:
            return "550 No such person here"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append(envelope.content.decode())
        return "250 OK"


@pytest.mark.parametrize(("accepts", "delivery"), [(True, "accepted"), (False, "refused")])
def test_answer_of_the_mail_server_is_shown(settings: Any, accepts: bool, delivery: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    door = Door(accepts=accepts)
    controller = Controller(door, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings.MAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        membership = approved()
    finally:
        controller.stop()

    invitation = membership.invitations.get()
    assert (invitation.delivery, invitation.delivery_at is not None) == (delivery, True)
    assert len(door.messages) == int(accepts)


def test_code_that_the_mail_server_refuses_is_told(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _membership, token = invited()

    def fail(*args: Any) -> None:
        raise SMTPRecipientsRefused({})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    response = client.post(address(token, "sign_code"), hidden(client, token))

    assert response.status_code == 409
    assert "could not be sent" in response.content.decode()


def test_opening_is_recorded_at_the_first_press_not_at_reading(client: Client) -> None:
    membership, token = invited()
    client.get(address(token))
    assert Invitation.objects.get().opened_at is None

    prepared(client, token)

    assert Invitation.objects.get().opened_at is not None
    assert events(membership).count("invitation opened") == 1


# The clock ---------------------------------------------------------------------------------------------------------------


def age(days: int) -> None:
    """As if the invitation that is alive had been sent so many days earlier, and reminded two days ago if at all."""
    now = timezone.now()
    for invitation in Invitation.objects.alive():
        reminded = now - timedelta(days=2) if invitation.reminded_at else None
        Invitation.objects.filter(pk=invitation.pk).update(created_at=now - timedelta(days=days), reminded_at=reminded)


def test_reminders_are_five_at_most_and_each_has_a_new_address(client: Client) -> None:
    _membership, token = invited()
    last_day = Invitation.objects.get().expires_at
    assert tasks.remind_and_lapse() == (0, 0)

    counts = []
    for _day in range(8):
        age(5)
        counts.append(tasks.remind_and_lapse()[0])

    reminders = [message for message in mail.outbox if message.subject.startswith("Reminder")]
    assert counts == [1, 1, 1, 1, 1, 0, 0, 0]
    assert len({token_of(message) for message in reminders} | {token}) == 6
    alive = Invitation.objects.alive().get()
    assert (alive.reminder_count, alive.expires_at) == (5, last_day)
    assert client.get(address(token)).status_code == 410
    assert client.get(address(token_of(reminders[-1]))).status_code == 200


@pytest.mark.parametrize("change", [{"delivery": "bounced"}, {"purpose": "withdrawal"}, {"created_at": timezone.now()}])
def test_no_reminder_where_none_is_due(change: dict[str, Any]) -> None:
    invited()
    age(5)
    Invitation.objects.update(**change)

    assert tasks.remind_and_lapse()[0] == 0


def test_the_same_reminder_is_sent_once() -> None:
    invited()
    age(5)
    invitation = Invitation.objects.get()

    assert ceremony.remind(invitation) is not None
    assert ceremony.remind(invitation) is None


def test_files_without_movement_lapse_and_others_do_not() -> None:
    membership, _token = invited()
    Membership.objects.update(modified_at=timezone.now() - timedelta(days=91))
    assert tasks.remind_and_lapse()[1] == 0  # the Head's invitation is alive

    Invitation.objects.update(
        created_at=timezone.now() - timedelta(days=31), expires_at=timezone.now() - timedelta(days=1)
    )

    assert tasks.remind_and_lapse()[1] == 1
    membership.refresh_from_db()
    assert membership.state == "lapsed"
    assert tasks.remind_and_lapse()[1] == 0


def test_invitation_and_deadline_both_past_lapse_before_ninety_days() -> None:
    invited()
    Invitation.objects.update(
        created_at=timezone.now() - timedelta(days=31), expires_at=timezone.now() - timedelta(days=1)
    )
    assert tasks.remind_and_lapse()[1] == 0  # the deadline is not over

    Membership.objects.update(sign_by=timezone.localdate() - timedelta(days=1))

    assert tasks.remind_and_lapse()[1] == 1


def test_daily_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    invited()
    age(5)

    call_command("coalition_daily")

    assert capsys.readouterr().out == "1 reminded, 0 lapsed.\n"


# Reaffirm and withdraw ---------------------------------------------------------------------------------------------------


def active(client: Client) -> Membership:
    membership, token = invited()
    sign_with_code(client, token)
    actions.countersign(membership=membership, by=UserFactory())
    membership.refresh_from_db()
    return membership


def test_entity_withdraws_by_the_same_ceremony(client: Client) -> None:
    membership = active(client)
    ceremony.invite(membership=membership, by=None, purpose="withdrawal")
    token = token_of(mail.outbox[-1])

    html = client.get(address(token)).content.decode()
    sign_with_code(Client(), token)

    membership.refresh_from_db()
    assert "Withdraw from the Letter of Intent" in html
    assert (membership.state, membership.ended_on) == ("withdrawn", timezone.localdate())
    assert list(Signature.objects.values_list("kind", flat=True)) == ["original", "withdrawal"]


def test_a_new_head_reaffirms(client: Client) -> None:
    membership = active(client)
    today = timezone.localdate()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), today))
    successor = Mandate.objects.create(
        entity=membership.entity,
        role="head",
        name="New Head",
        title="Minister",
        email="new@example.org",
        during=(today, None),
    )

    ceremony.invite(membership=membership, by=None, purpose="reaffirmation")
    token = token_of(mail.outbox[-1])
    sign_with_code(Client(), token, name="New Head")

    assert mail.outbox[-1].to
    signature = Signature.objects.latest("pk")
    assert (signature.kind, signature.mandate, signature.signer_name) == ("reaffirmation", successor, "New Head")
    assert Signature.objects.earliest("pk").signer_name == "Amina Example"


def successor(membership: Membership, **fields: Any) -> Mandate:
    """The Head who signed left yesterday; another took office today."""
    today = timezone.localdate()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), today))
    facts = {"name": "New Head", "title": "Minister", "email": "new@example.org", "during": (today, None), **fields}
    return Mandate.objects.create(entity=membership.entity, role="head", **facts)


def test_asking_writes_to_the_head_of_today_and_tells_who_has_to_know(client: Client, settings: Any) -> None:
    membership = active(client)
    head = successor(membership)
    mail.outbox.clear()

    ceremony.ask_head(membership=membership, by=membership.owner, purpose="withdrawal")

    assert {to: m.subject.split(":")[0] for m in mail.outbox for to in m.to} == {
        "new@example.org": "Letter of Intent on e-waste",
        membership.owner.email: f"The Head of {membership.entity.official_name} was asked to withdraw",
        settings.PORTAL_CONTACT: "A withdrawal was asked for",
    }
    secret = token_of(next(m for m in mail.outbox if m.to == ["new@example.org"]))
    assert sum(secret in m.body for m in mail.outbox) == 1
    assert ceremony.pending(membership).mandate == head  # type: ignore[union-attr]
    assert events(membership)[-1] == "withdrawal asked"


def test_only_one_request_waits_and_can_be_taken_back(client: Client) -> None:
    membership = active(client)
    ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")
    token = token_of(next(m for m in reversed(mail.outbox) if m.to == [membership.head_email]))

    with pytest.raises(actions.ValidationError, match="waits for the Head's answer"):
        ceremony.ask_head(membership=membership, by=membership.owner, purpose="withdrawal")
    ceremony.take_back(membership=membership, by=membership.owner)
    page = client.get(address(token))

    assert page.status_code == 410
    assert "This invitation was taken back: nothing waits for you." in page.content.decode()
    assert (
        client.post(address(token, "sign_code"), {"language": "en", "shown": "0" * 64, "confirmed": "on"}).status_code
        >= 400
    )
    with pytest.raises(actions.ValidationError, match="No invitation waits"):
        ceremony.take_back(membership=membership, by=membership.owner)
    ceremony.ask_head(membership=membership, by=membership.owner, purpose="withdrawal")
    assert Invitation.objects.alive().get().purpose == "withdrawal"


def test_two_requests_at_once_send_one_mail(client: Client) -> None:
    membership = active(client)
    mail.outbox.clear()
    start, refused_, failures = threading.Barrier(2), [], []

    def act(purpose: str) -> None:
        try:
            start.wait()
            ceremony.ask_head(membership=membership, by=membership.owner, purpose=purpose)
        except actions.ValidationError as error:
            refused_.append(error.code)
        except Exception as error:  # noqa: BLE001  a thread's failure has to reach the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=[purpose]) for purpose in ("reaffirmation", "withdrawal")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert (refused_, failures) == (["pending"], [])
    assert len([m for m in mail.outbox if m.to == [membership.head_email]]) == 1


@pytest.mark.parametrize("obstacle", ["head", "email", "letter", "again"])
def test_nobody_is_asked_in_vain(client: Client, obstacle: str) -> None:
    membership = active(client)
    if obstacle == "head":
        Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), timezone.localdate()))
    if obstacle == "email":
        successor(membership, email="")
    if obstacle == "letter":
        Membership.objects.update(
            letter=Letter.objects.create(
                version="1999", kind="historical", dated=date(1999, 1, 1), source_url="https://example.org/"
            )
        )
    if obstacle == "again":
        ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")
        sign_with_code(Client(), token_of(next(m for m in reversed(mail.outbox) if m.to == [membership.head_email])))

    with pytest.raises(actions.ValidationError) as refusal:
        ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")

    assert refusal.value.code == obstacle


def test_new_head_is_told_of_until_the_reaffirmation(client: Client) -> None:
    membership = active(client)
    assert ceremony.new_head(membership) is None
    head = successor(membership)
    assert ceremony.new_head(membership) == head

    ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")
    token = token_of(next(m for m in reversed(mail.outbox) if m.to == ["new@example.org"]))
    confirmed(client, token, "sign_delegate", delegation())
    new_token = token_of(next(m for m in reversed(mail.outbox) if m.to == ["delegate@example.org"]))
    assert ceremony.new_head(membership) == head
    sign_with_code(Client(), new_token, name="Dele Gate")

    assert ceremony.new_head(membership) is None
    Mandate.objects.filter(role="delegate").update(during=(date(2020, 1, 1), timezone.localdate()))
    assert ceremony.new_head(membership) is None  # the delegate spoke for the Head who is still there


def test_another_term_of_the_same_person_asks_for_nothing(client: Client) -> None:
    membership = active(client)
    successor(membership, name="amina  EXAMPLE")

    assert ceremony.new_head(membership) is None


def test_withdrawal_from_request_to_the_public_page(client: Client, settings: Any) -> None:
    membership = active(client)
    original = Signature.objects.get()
    ceremony.ask_head(membership=membership, by=membership.owner, purpose="withdrawal")
    token = token_of(next(m for m in reversed(mail.outbox) if m.to == [membership.head_email]))
    mail.outbox.clear()

    done = sign_with_code(client, token)
    page = client.get(done["Location"]).content.decode()

    membership.refresh_from_db()
    today = timezone.localdate()
    assert (membership.state, membership.ended_on) == ("withdrawn", today)
    assert "You have withdrawn" in page
    assert events(membership)[-2:] == ["withdrawn", "signature withdrawal"]
    told = {to: m.subject for m in mail.outbox for to in m.to}
    assert "has withdrawn from the Letter of Intent" in told[membership.owner.email]
    assert told[settings.PORTAL_CONTACT].startswith("Withdrawn: ")
    day = date_format(today, "DATE_FORMAT")
    public = client.get(membership.entity.get_absolute_url()).content.decode()
    assert f"Signatory, withdrew on {day}" in public
    assert "Signatory, withdrew on" in client.get(reverse("coalition:entity_list")).content.decode()
    verified = client.get(original.get_absolute_url()).content.decode()
    assert "Withdrawn" in verified
    assert original.signer_name in verified
    assert client.get(address(token, "sign_done")).status_code == 200
    with pytest.raises(actions.ValidationError):
        ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")


def test_reminder_of_a_reaffirmation_promises_no_way_to_decline(client: Client) -> None:
    membership = active(client)
    ceremony.ask_head(membership=membership, by=membership.owner, purpose="reaffirmation")
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=6))
    mail.outbox.clear()

    tasks.remind_and_lapse()

    assert "decline" not in mail.outbox[-1].body
    assert "hand over to a delegate" in mail.outbox[-1].body


def test_nobody_is_invited_to_what_is_not_open(client: Client) -> None:
    membership, _token = invited()

    with pytest.raises(actions.ValidationError):
        ceremony.invite(membership=membership, by=None, purpose="withdrawal")


# Evidence offline ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def evidence(client: Client) -> dict[str, Any]:
    _membership, token = invited()
    sign_with_passkey(client, token)
    return json.loads(Signature.objects.get().evidence)


def with_statement(evidence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    statement = json.dumps({**json.loads(evidence["statement"]), **changes})
    return {**evidence, "statement": statement, "statement_sha256": hashlib.sha256(statement.encode()).hexdigest()}


def flipped(text: str) -> str:
    content = bytearray(base64.b64decode(text))
    content[-1] ^= 1
    return base64.b64encode(content).decode()


TAMPERED: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda e: with_statement(e, name="Somebody Else"),
    lambda e: with_statement(e, portal="https://elsewhere.example"),
    lambda e: {**e, "statement": e["statement"] + " "},
    lambda e: {**e, "statement_sha256": "0" * 64},
    lambda e: {**e, "assertion": {}},
    lambda e: {**e, "statement": 3},
    *(
        lambda e, part=part: {**e, "assertion": {**e["assertion"], part: flipped(e["assertion"][part])}}
        for part in ("client_data_json", "authenticator_data", "signature", "public_key_cose")
    ),
    *(
        lambda e, part=part: {**e, "assertion": {**e["assertion"], part: "https://elsewhere.example"}}
        for part in ("rp_id", "origin")
    ),
]


def test_evidence_verifies_offline(evidence: dict[str, Any]) -> None:
    ceremony.verify_passkey_evidence(evidence)


@pytest.mark.parametrize("tamper", TAMPERED)
def test_tampered_evidence_is_refused(evidence: dict[str, Any], tamper: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ceremony.verify_passkey_evidence(tamper(evidence))


@pytest.mark.parametrize(("flags", "good"), [(0x05, True), (0x01, False), (0x04, False)])
def test_evidence_needs_presence_and_verification_of_the_user(evidence: dict[str, Any], flags: int, good: bool) -> None:
    """Signed correctly, by a device that says otherwise."""
    authenticator = Authenticator(flags=flags)
    answer = authenticator.sign(websafe_encode(hashlib.sha256(evidence["statement"].encode()).digest()))["response"]
    assertion = {
        **evidence["assertion"],
        "public_key_cose": base64.b64encode(
            ceremony._cose(ES256.from_cryptography_key(authenticator.key.public_key()))
        ).decode(),
        "client_data_json": base64.b64encode(websafe_decode(answer["clientDataJSON"])).decode(),
        "authenticator_data": base64.b64encode(websafe_decode(answer["authenticatorData"])).decode(),
        "signature": base64.b64encode(websafe_decode(answer["signature"])).decode(),
    }

    with nullcontext() if good else pytest.raises(ValueError, match="The user was not verified"):
        ceremony.verify_passkey_evidence({**evidence, "assertion": assertion})


def run(evidence: dict[str, Any], folder: Path, **options: Any) -> str:
    file, out = folder / "evidence.json", io.StringIO()
    file.write_text(json.dumps(evidence), encoding="utf-8")
    call_command("verify_evidence", file, stdout=out, **options)
    return out.getvalue()


def test_command_checks_evidence_without_the_database(
    evidence: dict[str, Any], tmp_path: Path, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        said = run(evidence, tmp_path)

    assert "name: Amina Example\n" in said
    assert "signs exactly this statement" in said


@pytest.mark.parametrize("tamper", TAMPERED)
def test_command_refuses_tampered_evidence(
    evidence: dict[str, Any], tmp_path: Path, tamper: Callable[..., Any]
) -> None:
    with pytest.raises(CommandError, match="Not good"):
        run(tamper(evidence), tmp_path)


def test_command_compares_the_text(evidence: dict[str, Any], tmp_path: Path) -> None:
    text = tmp_path / "letter.md"
    text.write_text("Text of the letter in en.", encoding="utf-8")
    assert "signs exactly" in run(evidence, tmp_path, text=text)

    text.write_text("Another text.", encoding="utf-8")
    with pytest.raises(CommandError, match="not the one that was signed"):
        run(evidence, tmp_path, text=text)


def test_the_twenty_lines_of_the_handbook_do_what_they_say(
    evidence: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handbook = (Path(__file__).resolve().parents[2] / "docs" / "signing.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.+?)```", handbook, re.DOTALL)
    assert program
    assert program[1].count("\n") <= 20
    assert "django" not in program[1]
    monkeypatch.chdir(tmp_path)

    Path("evidence.json").write_text(json.dumps(evidence), encoding="utf-8")
    exec(program[1], {})
    assert "Amina Example" in capsys.readouterr().out

    for tamper in TAMPERED:
        Path("evidence.json").write_text(json.dumps(tamper(evidence)), encoding="utf-8")
        with pytest.raises((Exception, SystemExit)):
            exec(program[1], {})
