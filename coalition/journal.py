"""Writing and checking the journal. The database chains the lines (migrations/0004_final_records.sql)."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from coalition.models import JournalEntry, Membership

NO_HASH = "0" * 64


def canonical(data: dict[str, Any]) -> str:
    """JSON with sorted keys and no spaces: the same data is always the same text."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write(event: str, *, membership: Membership | None = None, by: Any = None, **facts: Any) -> JournalEntry:
    """Appends a line. `by` is a user or None; only the number of the account is written, no name and no address."""
    payload = {
        "event": event,
        "at": timezone.now().isoformat(timespec="milliseconds"),
        "membership": membership.pk if membership else None,
        "entity": membership.entity.slug if membership else None,
        "account": by.pk if by is not None else None,
        **facts,
    }
    entry = JournalEntry(at=timezone.now(), membership=membership, event=event, payload=canonical(payload))
    entry.save(force_insert=True)
    entry.refresh_from_db()
    return entry


def head() -> str:
    """The hash of the last line."""
    last = JournalEntry.objects.order_by("-pk").values_list("hash", flat=True).first()
    return last or NO_HASH


def faults(rows: Iterable[tuple[int, str, str, str]]) -> list[str]:
    """Walks (number, prev, payload, hash) in order; a sentence for each line that breaks the chain."""
    found, expected = [], NO_HASH
    for number, prev, payload, digest in rows:
        if prev != expected:
            found.append(f"Line {number}: a line before it is missing or was changed.")
        if hashlib.sha256(f"{prev}\n{payload}".encode()).hexdigest() != digest:
            found.append(f"Line {number}: its content was changed.")
        expected = digest
    return found


def verify() -> list[str]:
    rows = JournalEntry.objects.order_by("pk").values_list("pk", "prev", "payload", "hash")
    return faults(rows.iterator(chunk_size=2_000))
