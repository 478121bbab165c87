"""The journal: chained while many write at once, refused any change, and found out where somebody mightier changed it."""

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from coalition import journal, verification
from coalition.models import JournalEntry, Signature
from tests.coalition.certified import countersigned, made, make_key
from tests.coalition.test_ceremony import invited, sign_with_passkey

pytestmark = pytest.mark.django_db

TABLE = "coalition_journalentry"


@pytest.fixture
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var"


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending when a table is altered or emptied
        cursor.execute(sql, values)


def as_superuser(sql: str, *values: object, table: str = TABLE) -> None:
    """What whoever owns the database can do: with the triggers off."""
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    execute(sql, *values)
    execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def lines(number: int) -> list[JournalEntry]:
    return [journal.write("test", number=n) for n in range(number)]


def checked() -> tuple[int, str, str]:
    """Exit code, the one line, and the sentences of `manage.py verify_registry`."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify_registry", stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue().strip(), err.getvalue().strip()
    return 0, out.getvalue().strip(), err.getvalue().strip()


@pytest.mark.django_db(transaction=True)
def test_eight_threads_append_two_thousand_lines_and_the_chain_holds() -> None:
    def work(thread: int) -> None:
        for number in range(250):
            journal.write("test", thread=thread, number=number)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (JournalEntry.objects.count(), journal.verify()) == (2_000, [])


def test_lines_are_chained_by_the_database() -> None:
    first, second = lines(2)

    assert (second.prev, journal.head()) == (first.hash, second.hash)


@pytest.mark.parametrize(
    "sql",
    [f"UPDATE {TABLE} SET payload = '{{}}'", f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE}"],
    ids=["update", "delete", "truncate"],
)
def test_journal_refuses_any_change(sql: str) -> None:
    lines(2)

    with pytest.raises(DatabaseError, match=r"refused|final"), transaction.atomic():
        execute(sql)


def test_line_changed_by_a_superuser_is_located() -> None:
    victim = lines(5)[2]

    as_superuser(f"UPDATE {TABLE} SET payload = replace(payload, '2', '9') WHERE id = %s", victim.pk)

    assert journal.verify() == [f"Line {victim.pk}: its content was changed."]


def test_line_changed_together_with_its_hash_is_located() -> None:
    entries = lines(5)

    as_superuser(
        f"UPDATE {TABLE} SET payload = 'x', hash = coalition_text_sha256(prev || E'\\n' || 'x') WHERE id = %s",
        entries[2].pk,
    )

    assert journal.verify() == [f"Line {entries[3].pk}: a line before it is missing or was changed."]


def test_line_deleted_by_a_superuser_is_located() -> None:
    entries = lines(5)

    as_superuser(f"DELETE FROM {TABLE} WHERE id = %s", entries[2].pk)

    assert journal.verify() == [f"Line {entries[3].pk}: a line before it is missing or was changed."]


def test_last_lines_that_vanish_are_found_by_the_head_of_yesterday(var: Path) -> None:
    entries = lines(3)
    before = checked()

    as_superuser(f"DELETE FROM {TABLE} WHERE id >= %s", entries[1].pk)
    after = checked()

    assert before == (0, "Registry: journal lines 3, signatures 0, certificates 0, waiting 0, faults 0.", "")
    assert after[:2] == (1, "Registry: journal lines 1, signatures 0, certificates 0, waiting 0, faults 1.")
    assert f"Line {entries[2].pk}: on " in after[2]


def test_history_rewritten_as_a_whole_is_found_by_the_head_of_yesterday(var: Path) -> None:
    entries = lines(3)
    checked()

    as_superuser(f"DELETE FROM {TABLE} WHERE id >= %s", entries[0].pk)
    for number, entry in enumerate(entries):
        execute(f"INSERT INTO {TABLE} (at, event, payload) VALUES (now(), 'test', %s)", f"rewritten {number}")
        as_superuser(f"UPDATE {TABLE} SET id = %s WHERE id = (SELECT max(id) FROM {TABLE})", entry.pk)

    assert journal.verify() == []
    assert checked()[0] == 1


# The whole registry --------------------------------------------------------------------------------------------------


@pytest.fixture
def registry(settings: Any, tmp_path: Path, var: Path) -> Any:
    """One certificate, and a registry without fault."""
    make_key(settings, tmp_path)
    signature = countersigned()
    made(signature)
    assert verification.audit().faults == []
    return signature


def test_registry_in_order_says_so_in_one_line(registry: Any) -> None:
    code, line, sentences = checked()
    report = verification.last_report()

    assert (code, sentences) == (0, "")
    assert (
        line
        == f"Registry: journal lines {JournalEntry.objects.count()}, signatures 1, certificates 1, waiting 0, faults 0."
    )
    assert report is not None
    assert str(report) == line


def damage_file(signature: Any) -> None:
    path = Path(signature.certificate.path)
    content = path.read_bytes()
    path.write_bytes(content[:900] + bytes([content[900] ^ 1]) + content[901:])


def lose_file(signature: Any) -> None:
    Path(signature.certificate.path).unlink()


def change(column: str, value: str) -> Callable[[Any], None]:
    def act(signature: Any) -> None:
        as_superuser(
            f"UPDATE coalition_signature SET {column} = %s WHERE id = %s",
            value,
            signature.pk,
            table="coalition_signature",
        )

    return act


def swap_certificate(signature: Any) -> None:
    """A file of the forger's own, with a hash to match."""
    path = Path(signature.certificate.path)
    path.write_bytes(b"%PDF-1.7 forged")
    change("certificate_sha256", verification.sha256(b"%PDF-1.7 forged"))(signature)


def delete(signature: Any) -> None:
    as_superuser("DELETE FROM coalition_signature WHERE id = %s", signature.pk, table="coalition_signature")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (damage_file, "the certificate was changed."),
        (lose_file, "the certificate is lost."),
        (swap_certificate, "the journal tells of another certificate."),
        (swap_certificate, "the seal does not hold (unreadable)."),
        (change("evidence", "{}"), "the evidence is not the one that was hashed."),
        (change("private", "{}"), "the private evidence is not the one that was hashed."),
        (change("text_sha256", "0" * 64), "the letter's text is not the one that was signed."),
        (change("sealed_at", "1999-01-01T00:00:00Z"), "the seal does not hold (untrusted)."),
        (delete, "the journal tells of this signature, and it is not there."),
    ],
)
def test_what_a_superuser_changes_is_located(registry: Any, harm: Callable[[Any], None], sentence: str) -> None:
    harm(registry)

    code, _line, sentences = checked()

    assert code == 1
    assert f"{registry.code}: {sentence}" in sentences.splitlines()


def test_evidence_changed_together_with_its_hash_is_found_by_the_journal(registry: Any) -> None:
    forged = registry.evidence.replace("Amina", "Alice")
    change("evidence", forged)(registry)
    change("evidence_sha256", verification.sha256(forged.encode()))(registry)

    assert checked()[2] == f"{registry.code}: the journal tells of other evidence."


def test_erased_private_evidence_leaves_everything_green(registry: Any) -> None:
    before = registry.private
    out = io.StringIO()

    call_command("erase_private_evidence", registry.code.replace("-", " ").lower(), stdout=out)
    registry.refresh_from_db()

    assert (before != "", registry.private, out.getvalue()) == (True, "", f"{registry.code}: erased.\n")
    assert verification.audit().faults == []
    assert verification.answer_for(registry).seal == "intact"
    assert verification.erase_private_evidence(signature=registry) is False


def test_private_evidence_is_erased_but_never_changed(registry: Any) -> None:
    with pytest.raises(DatabaseError, match="erased, not changed"), transaction.atomic():
        execute("UPDATE coalition_signature SET private = '{}' WHERE id = %s", registry.pk)


def test_certificates_that_wait_are_named_and_are_no_fault(var: Path) -> None:
    signature = countersigned()

    code, line, sentences = checked()

    assert (code, "waiting 1, faults 0." in line) == (0, True)
    assert sentences == f"{signature.code}: There is no seal key: set PORTAL_SEAL_KEY."


def test_certificates_that_wait_can_be_made_first(var: Path, settings: Any, tmp_path: Path) -> None:
    countersigned()
    make_key(settings, tmp_path)
    out = io.StringIO()

    call_command("verify_registry", make_missing=True, stdout=out)

    assert "certificates 1, waiting 0, faults 0." in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_assertion_of_a_passkey_is_checked_again(client: Client, var: Path) -> None:
    membership, token = invited()
    sign_with_passkey(client, token)
    signature = Signature.objects.get(membership=membership)
    before = verification.audit().faults
    evidence = json.loads(signature.evidence)
    evidence["assertion"]["signature"] = evidence["assertion"]["authenticator_data"]
    forged = journal.canonical(evidence)

    change("evidence", forged)(signature)
    change("evidence_sha256", verification.sha256(forged.encode()))(signature)

    assert before == []
    assert f"{signature.code}: the passkey's assertion does not hold" in checked()[2]
