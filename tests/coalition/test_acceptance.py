"""Acceptance: what two browsers do at once over HTTP, what others' tools say, and abuses typed straight into PostgreSQL.

The rest of the acceptance tests stand where their subject is: test_ceremony.py, test_certificates.py, test_journal.py.
"""

import base64
import http.client
import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import Error, connection, transaction
from django.test import Client

from coalition import actions, ceremony, tasks, verification
from coalition.models import Entity, Letter, LetterText, Mandate, Signature
from tests.coalition.certified import countersigned, made, make_key
from tests.coalition.factories import application, focal_point, published_letter
from tests.coalition.test_ceremony import (
    Authenticator,
    address,
    code_page,
    events,
    hidden,
    invited,
    prepared,
    proof,
    sign_with_code,
    sign_with_passkey,
    token_of,
)
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


# Two at once, over HTTP -------------------------------------------------------------------------------------------


class Browser:
    """A connection of its own for each request, and a jar for one cookie."""

    def __init__(self, server: str) -> None:
        self.server = urlsplit(server).netloc
        self.cookie = ""

    def send(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it leads, and the page."""
        headers = {"Accept": "application/json" if path.endswith(("passkey/", "prepare/")) else "text/html"}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        headers |= {} if fields is None else {"Content-Type": "application/x-www-form-urlencoded"}
        with closing(http.client.HTTPConnection(self.server)) as link:
            link.request("GET" if fields is None else "POST", path, fields and urlencode(fields), headers)
            answer = link.getresponse()
            self.cookie = (answer.getheader("Set-Cookie") or self.cookie).partition(";")[0]
            return answer.status, answer.getheader("Location") or "", answer.read().decode()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """The answers of all, in any order; each begins when all are ready."""
    start, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        start.wait()
        answers.append(act())

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_passkeys_of_two_browsers_at_once_make_one_signature_and_both_see_it(live_server: Any) -> None:
    membership, token = invited()
    fields = [proof(prepared(Client(), token), Authenticator()) for _browser in range(2)]
    browsers = [Browser(live_server.url) for _browser in range(2)]

    answers = at_once(
        *(lambda b=b, f=f: b.send(address(token, "sign_passkey"), f) for b, f in zip(browsers, fields, strict=True))
    )
    pages = [browser.send(address(token, "sign_done")) for browser in browsers]

    assert [(status, json.loads(body)) for status, _to, body in answers] == [
        (200, {"done": address(token, "sign_done")})
    ] * 2
    assert [(status, Signature.objects.get().code in body) for status, _to, body in pages] == [(200, True)] * 2
    assert events(membership).count("signature original") == 1


@pytest.mark.django_db(transaction=True)
def test_code_typed_in_one_browser_and_passkey_in_another_make_one_signature(live_server: Any) -> None:
    membership, token = invited()
    first, second = Browser(live_server.url), Browser(live_server.url)
    _status, to, _body = first.send(address(token, "sign_code"), hidden(Client(), token))
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code
    with_code = {**code_page(Client(), {"Location": to}), "name": "Amina Example", "code": code[1]}
    with_passkey = proof(prepared(Client(), token), Authenticator())

    answers = at_once(
        lambda: first.send(address(token, "sign_with_code"), with_code),
        lambda: second.send(address(token, "sign_passkey"), with_passkey),
    )

    assert sorted(status for status, _to, _body in answers) == [200, 302]
    assert {first.send(address(token, "sign_done"))[0], second.send(address(token, "sign_done"))[0]} == {200}
    assert Signature.objects.filter(membership=membership).count() == 1


@pytest.mark.django_db(transaction=True)
def test_form_with_a_code_sent_again_leads_to_the_same_signature(client: Client) -> None:
    _membership, token = invited()
    first = sign_with_code(client, token)
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-3].body, re.MULTILINE) or ["", "0000-0000"]

    again = client.post(address(token, "sign_with_code"), {"name": "Amina Example", "code": code[1]})

    assert (first["Location"], again["Location"]) == (address(token, "sign_done"),) * 2
    assert Signature.objects.count() == 1


# Others' tools ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_evidence_is_checked_by_fido2_alone(client: Client, tmp_path: Path) -> None:
    """The program of docs/signing.md in a process where neither Django nor this portal can be imported."""
    _membership, token = invited()
    sign_with_passkey(client, token)
    evidence = json.loads(Signature.objects.get().evidence)
    program = re.search(r"```python\n(.+?)```", (ROOT / "docs" / "signing.md").read_text("utf-8"), re.DOTALL)
    assert program
    alone = "import sys\nfor name in ('django', 'coalition', 'ewaste_portal'): sys.modules[name] = None\n" + program[1]

    def run(content: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "evidence.json").write_text(json.dumps(content), "utf-8")
        return subprocess.run([sys.executable, "-I", "-c", alone], cwd=tmp_path, capture_output=True, text=True)

    good = run(evidence)
    signature = bytearray(base64.b64decode(evidence["assertion"]["signature"]))
    signature[-1] ^= 1
    evidence["assertion"]["signature"] = base64.b64encode(signature).decode()
    bad = run(evidence)

    assert (good.returncode, good.stdout[:20]) == (0, "Good: Amina Example ")
    assert (bad.returncode, bad.stdout) == (1, "")


@pytest.mark.django_db(transaction=True)
def test_without_a_key_a_signatory_is_active_and_the_sweeper_seals_later(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    membership, token = invited()
    sign_with_passkey(client, token)
    signature = actions.countersign(membership=membership, by=UserFactory())
    before = client.get(signature.get_absolute_url()).content.decode()

    make_key(settings, tmp_path)
    tasks.make_missing_certificates.call()
    after = client.get(signature.get_absolute_url()).content.decode()

    membership.refresh_from_db()
    assert membership.state == "active"
    assert ("Not yet sealed" in before, "Not yet sealed" in after) == (True, False)
    assert verification.answer_for(Signature.objects.get()).seal == "intact"


@pytest.mark.django_db(transaction=True)
def test_certificate_of_who_withdrew_stays_valid_and_the_page_says_since_when(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    make_key(settings, tmp_path)
    membership, token = invited()
    sign_with_code(client, token)
    actions.countersign(membership=membership, by=UserFactory())
    signature = Signature.objects.get()
    pdf = made(signature)
    ceremony.invite(membership=membership, by=None, purpose="withdrawal")
    sign_with_code(Client(), token_of(mail.outbox[-1]))

    (tmp_path / "certificate.pdf").write_bytes(pdf)
    said = subprocess.run(["pdfsig", tmp_path / "certificate.pdf"], capture_output=True, text=True).stdout
    page = client.get(signature.get_absolute_url()).content.decode()

    assert ("Signature is Valid." in said, "Total document signed" in said) == (True, True)
    assert client.get(f"{signature.get_absolute_url()}certificate.pdf").getvalue() == pdf  # type: ignore[attr-defined]
    signature.membership.refresh_from_db()
    answer = verification.answer_for(signature)
    assert (answer.seal, answer.status and (answer.status.code, answer.status.since)) == (
        "intact", ("withdrawn", signature.membership.ended_on),
    )  # fmt: skip
    assert "Withdrawn" in page


def test_public_page_stays_green_once_private_evidence_is_erased(client: Client, settings: Any, tmp_path: Path) -> None:
    make_key(settings, tmp_path)
    signature = countersigned()
    made(signature)
    before = [client.get(f"{signature.get_absolute_url()}{part}").status_code for part in ("", "evidence.json")]

    call_command("erase_private_evidence", signature.code, stdout=io.StringIO())

    signature.refresh_from_db()
    answer = verification.answer_for(signature)
    assert (signature.private, before) == ("", [200, 200])
    assert (answer.seal, answer.status and answer.status.code) == ("intact", "genuine")
    assert client.get(f"{signature.get_absolute_url()}evidence.json").content == signature.evidence.encode()


def test_merging_touches_no_signature_and_old_addresses_lead_on(client: Client, settings: Any, tmp_path: Path) -> None:
    make_key(settings, tmp_path)
    signature = countersigned(official_name_en="Ministry of Tests", slug="old-ministry")
    made(signature)
    into = EntityFactory(slug="new-ministry")
    before = rows("coalition_signature")

    actions.merge(entity=signature.entity, into=into, by=UserFactory())

    old = client.get("/en/coalition/entities/old-ministry/")
    assert (old.status_code, old["Location"]) == (301, "/en/coalition/entities/new-ministry/")
    assert rows("coalition_signature") == before
    assert client.get(signature.get_absolute_url()).status_code == 200
    assert verification.audit().faults == []


def rows(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


# Abuses in SQL -----------------------------------------------------------------------------------------------------


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing waits for the end of the transaction
        cursor.execute(statement, values)


def copy(table: str, pk: int, **changes: Any) -> None:
    """The row once more, with changes and a number of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = ''",
            [table],
        )
        names = ", ".join(f'"{row[0]}"' for row in cursor.fetchall())
    changes = {"id": 1_000_000, **changes}
    sql(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM"
        f" (SELECT (jsonb_populate_record(t, %s)).* FROM {table} t WHERE id = %s) AS changed",
        json.dumps(changes, default=str), pk,
    )  # fmt: skip


@pytest.fixture
def world(settings: Any, tmp_path: Path) -> dict[str, int]:
    """Numbers of an entity with a signature, certified; of a letter in draft; of an application in draft."""
    make_key(settings, tmp_path)
    country = "KEN"
    signature = countersigned(kind="national-government", country_id=country, official_name_en="Ministry of Tests")
    made(signature)
    draft = Letter.objects.create(version="2027-draft", title_en="Letter", dated="2027-01-01")
    text = LetterText.objects.create(letter=draft, language="es", body="Otras palabras.")
    other = application(EntityFactory())
    return {
        "entity": signature.entity_id, "head": signature.mandate_id or 0, "letter": signature.letter_id,
        "membership": signature.membership_id, "signature": signature.pk, "draft": other.pk, "draft_text": text.pk,
        "reviewer": signature.membership.reviewed_by_id or 0, "user": UserFactory().pk,
        "invitation": signature.membership.invitations.get().pk, "pledge": pledge(signature.entity),
        "empty": published_letter("2026-other").pk, "account": focal_point(signature.entity).pk,
        "focal": Mandate.objects.filter(entity=signature.entity, role="focal-point").latest("pk").pk,
    }  # fmt: skip


def pledge(entity: Entity) -> int:
    return entity.pledges.create(slug="pledge", purpose="platform", kind="funds", title="Pledge", text="Money.").pk


JOURNAL = "coalition_journalentry"
HASH = "a" * 64
Abuse = Callable[[dict[str, int]], None]
ABUSES: dict[str, tuple[Abuse, str]] = {
    # the fifteen that were tried
    "same entity in other case and space": (
        lambda w: copy("coalition_entity", w["entity"], slug="x", official_name_en="  MINISTRY of tests "),
        "entity_name_unique_in_a_country",
    ),
    "government without a country": (
        lambda w: sql("UPDATE coalition_entity SET country_id = NULL WHERE id = %s", w["entity"]),
        "government_has_a_country",
    ),
    "two Heads on one day": (
        lambda w: copy("coalition_mandate", w["head"], name="Second Head"),
        "one_head_on_a_day",
    ),
    "delegate without an instrument": (
        lambda w: copy("coalition_mandate", w["head"], role="delegate", delegated_by_id=w["head"]),
        "delegate_has_an_instrument",
    ),
    "published letter edited": (
        lambda w: sql("UPDATE coalition_letter SET title_en = 'Other' WHERE id = %s", w["letter"]),
        "Cannot update",
    ),
    "second open application": (
        lambda w: copy("coalition_membership", w["draft"]),
        "one_open_membership_of_a_track",
    ),
    "draft becomes active": (
        lambda w: sql("UPDATE coalition_membership SET state = 'active' WHERE id = %s", w["draft"]),
        "Invalid transition",
    ),
    "signing without a deadline": (
        lambda w: sql(
            "UPDATE coalition_membership SET state = 'review' WHERE id = %s;"
            " UPDATE coalition_membership SET state = 'signing', letter_id = %s WHERE id = %s",
            w["draft"], w["letter"], w["draft"],
        ),
        "signing_has_letter_and_deadline",
    ),
    "signer renamed": (
        lambda w: sql("UPDATE coalition_signature SET signer_name = 'Somebody Else'"),
        "A signature cannot change",
    ),
    "sealed again": (
        lambda w: sql("UPDATE coalition_signature SET sealed_at = now()"),
        "written once",
    ),
    "signature deleted": (lambda w: sql("DELETE FROM coalition_signature"), "final"),
    "second signature": (
        lambda w: copy("coalition_signature", w["signature"], code="0000-0000-0000", nonce="n", certificate_sha256=HASH),
        "signature_once",
    ),
    "journal changed": (lambda w: sql(f"UPDATE {JOURNAL} SET payload = '{{}}'"), "final"),
    "journal line deleted": (lambda w: sql(f"DELETE FROM {JOURNAL} WHERE id = (SELECT max(id) FROM {JOURNAL})"), "final"),
    "journal emptied": (lambda w: sql(f"TRUNCATE {JOURNAL}"), "final"),
    # the other rules of the same table
    "kind outside the list": (
        lambda w: sql("UPDATE coalition_entity SET kind = 'club' WHERE id = %s", w["entity"]),
        "entity_kind_is_in_the_vocabulary",
    ),
    "merged into itself": (
        lambda w: sql("UPDATE coalition_entity SET merged_into_id = id WHERE id = %s", w["entity"]),
        "entity_is_not_merged_into_itself",
    ),
    "same role twice": (
        lambda w: copy("coalition_mandate", w["focal"]),
        "one_open_mandate_of_a_role",
    ),
    "letter's language twice": (
        lambda w: copy("coalition_lettertext", w["draft_text"]),
        "letter_has_one_text_a_language",
    ),
    "published text edited": (
        lambda w: sql("UPDATE coalition_lettertext SET body = 'Other' WHERE letter_id = %s", w["letter"]),
        "cannot change",
    ),
    "published text deleted": (
        lambda w: sql("DELETE FROM coalition_lettertext WHERE letter_id = %s", w["letter"]),
        "cannot change",
    ),
    "published letter deleted": (
        lambda w: sql("DELETE FROM coalition_letter WHERE id = %s", w["empty"]),
        "Cannot update or delete",
    ),
    "state outside the list": (
        lambda w: sql("UPDATE coalition_membership SET state = 'famous' WHERE id = %s", w["draft"]),
        "Invalid transition|membership_state_is_known",
    ),
    "two invitations alive": (
        lambda w: sql(
            "UPDATE coalition_invitation SET used_at = NULL;"
            " INSERT INTO coalition_invitation (membership_id, mandate_id, purpose, token_sha256, created_at, expires_at,"
            " delivery, reminder_count) SELECT membership_id, mandate_id, purpose, %s, created_at, expires_at, delivery, 0"
            " FROM coalition_invitation",
            HASH,
        ),
        "one_invitation_is_alive",
    ),
    "token kept as it is": (
        lambda w: sql("UPDATE coalition_invitation SET token_sha256 = 'the-token-itself'"),
        "invitation_keeps_a_hash",
    ),
    "same token twice": (lambda w: copy("coalition_invitation", w["invitation"]), "token_sha256"),
    "invitation expires before it is made": (
        lambda w: sql("UPDATE coalition_invitation SET expires_at = created_at - interval '1 day'"),
        "invitation_expires_later",
    ),
    "evidence changed": (lambda w: sql("UPDATE coalition_signature SET evidence = '{}'"), "A signature cannot change"),
    "countersigned again": (
        lambda w: sql("UPDATE coalition_signature SET countersigned_by_id = %s", w["user"]),
        "written once",
    ),
    "certificate replaced": (
        lambda w: sql("UPDATE coalition_signature SET certificate_sha256 = %s", HASH),
        "written once",
    ),
    "private evidence changed": (
        lambda w: sql("UPDATE coalition_signature SET private = 'other'"),
        "erased, not changed",
    ),
    "signatures emptied": (lambda w: sql("TRUNCATE coalition_signature CASCADE"), "final"),
    "code in another alphabet": (
        lambda w: fresh(w, code="ILOU-ILOU-ILOU"),
        "signature_code_is_well_formed",
    ),
    "passkey without an assertion": (
        lambda w: fresh(w, method="passkey", evidence="{}"),
        "passkey_signature_has_its_assertion",
    ),
    "handwritten without a scan": (
        lambda w: fresh(w, method="wet-ink"),
        "recorded_signature_has_scan_and_four_eyes",
    ),
    "handwritten, countersigned by who recorded it": (
        lambda w: fresh(w, method="wet-ink", scan_sha256=HASH, recorded_by_id=w["user"], countersigned_by_id=w["user"]),
        "recorded_signature_has_scan_and_four_eyes",
    ),
    "historical with a certificate": (
        lambda w: fresh(w, method="historical"),
        "historical_signature_claims_nothing_more",
    ),
    "seal without a certificate": (
        lambda w: fresh(w, sealed_at="2026-01-01T00:00:00Z"),
        "seal_is_on_a_certificate",
    ),
    "amount without a currency": (
        lambda w: sql("UPDATE coalition_pledge SET amount = 5"),
        "pledge_amount_has_a_currency",
    ),
    "pledge ends before it begins": (
        lambda w: sql("UPDATE coalition_pledge SET during = daterange('2027-01-01', '2026-01-01')"),
        "range lower bound",
    ),
    "pledge twice": (
        lambda w: copy("coalition_pledge", w["pledge"], slug="pledge-2"),
        "pledge_title_unique",
    ),
}  # fmt: skip


def fresh(w: dict[str, int], **changes: Any) -> None:
    """Another signature of the same entity, under another letter, not sealed yet."""
    copy(
        "coalition_signature", w["signature"],
        **{
            "letter_id": w["empty"], "code": "0000-0000-0000", "nonce": "another", "certificate": "", "certificate_sha256": "",
            "sealed_at": None, "seal_certificate_sha256": "", **changes,
        },
    )  # fmt: skip


@pytest.mark.parametrize("abuse", ABUSES)
def test_abuse_in_raw_sql_is_refused(world: dict[str, int], abuse: str) -> None:
    act, rule = ABUSES[abuse]

    with pytest.raises(Error, match=rule), transaction.atomic():
        act(world)


def test_copies_that_break_no_rule_are_taken(world: dict[str, int]) -> None:
    """The abuses above are refused for what is wrong in them, not for how they are written."""
    copy("coalition_entity", world["entity"], slug="x", official_name_en="Ministry of Other Tests")
    copy("coalition_mandate", world["head"], during="[1990-01-01,1991-01-01)")
    copy("coalition_invitation", world["invitation"], token_sha256=HASH)
    copy("coalition_pledge", world["pledge"], slug="pledge-2", title="Another", title_en="Another")
    fresh(world)


LETTER_TEXT_ABUSES: dict[str, Abuse] = {
    "text of a draft moved into a published letter": lambda w: sql(
        "UPDATE coalition_lettertext SET letter_id = %s WHERE id = %s", w["empty"], w["draft_text"]
    ),
    "published texts emptied": lambda w: sql("TRUNCATE coalition_lettertext"),
}


@pytest.mark.parametrize("abuse", LETTER_TEXT_ABUSES)
def test_texts_of_published_letters_are_neither_moved_nor_emptied(world: dict[str, int], abuse: str) -> None:
    with pytest.raises(Error, match=r"cannot change|final"), transaction.atomic():
        LETTER_TEXT_ABUSES[abuse](world)
