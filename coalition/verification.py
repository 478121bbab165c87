"""What anyone may know of a signature, and the registry's checks of itself.

Four questions: is this our file, is its seal intact, who signed in what capacity and when, what holds today. Nothing here
trusts a stored answer: hashes are computed from the bytes on the disk, seals validated as of the moment they were made.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, pgettext

from coalition import ceremony, certificates, journal, seal
from coalition.files import sha256
from coalition.models import JournalEntry, Letter, Signature

# Lines of the journal whose content everybody may read; of the others number and hashes alone, which still prove the chain.
PUBLIC_EVENTS = frozenset(
    {
        "signed", "signature original", "signature reaffirmation", "signature withdrawal", "countersigned", "certificate sealed",
        "suspended", "reinstated", "removed", "withdrawn", "supporter accepted", "private evidence erased",
    }
)  # fmt: skip
DAYS_BEFORE_ALARM = 60  # the end of the seal's certificate


# Finding ------------------------------------------------------------------------------------------------


def read_code(text: str) -> str | None:
    """XXXX-XXXX-XXXX from what somebody typed, in whatever case, with spaces or O for 0; None if it cannot be a code."""
    plain = "".join(ceremony.read_code(text).split())
    if len(plain) != 12 or set(plain) - set(ceremony.ALPHABET):
        return None
    return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"


def _known() -> Any:
    """Signatures that can be looked up: made here, and not of an application that was rejected afterwards."""
    return (
        Signature.objects.filter(code__isnull=False)
        .exclude(membership__state="rejected")
        .select_related("entity", "letter", "membership")
    )


def find(code: str) -> Signature | None:
    found: Signature | None = _known().filter(code=code).first()
    return found


def find_file(digest: str) -> Signature | None:
    """The signature whose certificate has this SHA-256."""
    found: Signature | None = _known().filter(certificate_sha256=digest).exclude(certificate_sha256="").first()
    return found


# What holds today ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Status:
    """`pending`, `genuine`, `superseded`, `suspended`, `withdrawn`, `removed`; since when, if that is known."""

    code: str
    since: date | None = None
    by: Signature | None = None  # what superseded it

    @property
    def level(self) -> str:
        return {"genuine": "ok", "pending": "info", "superseded": "warn", "suspended": "warn"}.get(self.code, "bad")

    @property
    def word(self) -> str:
        return {
            "genuine": pgettext("signature", "Genuine"),
            "pending": pgettext("signature", "Awaiting countersignature"),
            "superseded": pgettext("signature", "Superseded"),
            "suspended": pgettext("signature", "Suspended"),
            "withdrawn": pgettext("signature", "Withdrawn"),
            "removed": pgettext("signature", "Removed"),
        }[self.code]


def status_of(signature: Signature) -> Status:
    """Of the commitment that the signature made, today."""
    membership = signature.membership
    if membership.state in {"withdrawn", "removed"}:
        return Status(membership.state, membership.ended_on)
    if membership.state == "suspended":
        return Status("suspended", timezone.localdate(membership.state_since))
    if signature.countersigned_at is None and signature.kind == Signature.Kind.ORIGINAL:
        return Status("pending", signature.signed_on)
    newer = _signature_of_a_later_letter(signature)
    if newer is not None:
        return Status("superseded", newer.signed_on, newer)
    return Status("genuine", signature.signed_on)


def _signature_of_a_later_letter(signature: Signature) -> Signature | None:
    """The entity's signature under a letter that follows this one, directly or not."""
    follows = dict(Letter.objects.filter(follows__isnull=False).values_list("pk", "follows"))
    later = {number for number in follows if _leads_to(number, signature.letter_id, follows)}
    if not later:
        return None
    return (
        Signature.objects.listed()
        .filter(entity=signature.entity_id, letter__in=later, kind="original")
        .order_by("signed_on")
        .last()
    )


def _leads_to(number: int | None, target: int, follows: dict[int, int | None]) -> bool:
    seen = set()
    while number is not None and number in follows and number not in seen:
        seen.add(number)
        number = follows[number]
        if number == target:
            return True
    return False


def history(signature: Signature) -> list[tuple[datetime | date, SafeString]]:
    """What happened to the commitment, dated, oldest first; only what is public."""
    found: list[tuple[datetime | date, SafeString]] = []
    acts = {
        "original": _("Signed by {name}, {title}."),
        "reaffirmation": _("Reaffirmed by {name}, {title}."),
        "withdrawal": _("Withdrawn by {name}, {title}."),
    }
    for act in Signature.objects.filter(membership=signature.membership_id).order_by("signed_at", "pk"):
        name = format_html("<bdi>{}</bdi>", act.signer_name)
        title = format_html("<bdi>{}</bdi>", act.signer_title or act.get_capacity_display())
        at = act.signed_at if act.signed_at and act.hour_is_known else act.signed_on
        found.append((at, format_html(acts[act.kind], name=name, title=title)))
        if act.countersigned_at:
            found.append((act.countersigned_at, format_html("{}", _("Countersigned by the secretariat."))))
        if act.sealed_at:
            found.append((act.sealed_at, format_html("{}", _("Certificate sealed."))))
    events = {
        "suspended": _("Suspended by the secretariat."),
        "reinstated": _("Reinstated by the secretariat."),
        "removed": _("Removed by the secretariat."),
    }
    lines = JournalEntry.objects.filter(membership=signature.membership_id, event__in=events)
    found += [(line.at, format_html("{}", events[line.event])) for line in lines]
    return sorted(found, key=lambda item: item[0].isoformat())


# The file and its seal -----------------------------------------------------------------------------------------


def stored(signature: Signature) -> bytes | None:
    """The certificate as it lies in the storage; None if there is none or it is lost."""
    if not signature.certificate:
        return None
    try:
        with signature.certificate.open() as file:
            content: bytes = file.read()
            return content
    except OSError:
        return None


@dataclass(frozen=True)
class Stored:
    """Of the stored certificate: `unsealed` (not made yet), `intact`, or `damaged`; where the seal's bytes are."""

    state: str
    byte_range: tuple[int, ...] = ()


def check_stored(signature: Signature) -> Stored:
    """Reads the file and validates its seal; the answer for the same bytes is kept for an hour."""
    if not signature.certificate:
        return Stored("unsealed")
    content = stored(signature)
    if content is None or sha256(content) != signature.certificate_sha256:
        return Stored("damaged")
    finding = _examined(content, signature)
    sealed_by_us = finding.is_intact and finding.certificate_sha256 == signature.seal_certificate_sha256
    return Stored("intact" if sealed_by_us else "damaged", finding.byte_range)


def _examined(content: bytes, signature: Signature) -> seal.Finding:
    trusted = sha256("".join(seal.fingerprint(root) for root in seal.roots()).encode())
    name = f"seal-{signature.certificate_sha256}-{trusted[:16]}"
    kept = cache.get(name)
    if kept is None:
        kept = asdict(seal.examine(content, at=signature.sealed_at))
        cache.set(name, kept, 60 * 60)
    return seal.Finding(**kept)


@dataclass(frozen=True)
class Answer:
    """To somebody who holds a code or a file.

    `file`: `ours` (byte for byte), `changed` (after sealing), `unknown`, `unreadable`; empty where only a code was given.
    """

    file: str = ""
    signature: Signature | None = None
    status: Status | None = None
    seal: str = ""
    byte_range: tuple[int, ...] = ()


def answer_for(signature: Signature, *, file: str = "") -> Answer:
    found = check_stored(signature)
    return Answer(file, signature, status_of(signature), found.state, found.byte_range)


def answer_digest(digest: str, *, part: str = "") -> Answer:
    """For the SHA-256 of a whole file and, if the browser found a seal in it, of the part that the seal covers."""
    signature = find_file(digest)
    if signature is not None:
        return answer_for(signature, file="ours")
    original = find_file(part) if part else None
    return Answer("changed", original) if original is not None else Answer("unknown")


def answer_file(content: bytes) -> Answer:
    """The same for an uploaded file, in memory; one that is not ours is examined in a process of its own."""
    signature = find_file(sha256(content))
    if signature is not None:
        return answer_for(signature, file="ours")
    finding = seal.examine_upload(content)
    if finding.state == "unreadable":
        return Answer("unreadable")
    original = find_file(finding.part_sha256) if finding.part_sha256 else None
    ours = finding.certificate_sha256 and (
        Signature.objects.filter(seal_certificate_sha256=finding.certificate_sha256).exists()
    )
    return Answer("changed", original) if ours else Answer("unknown")


# The public journal -----------------------------------------------------------------------------------------------


def public_journal() -> Iterator[str]:
    """A line of JSON for each of the journal: number, prev, hash, and payload where it is public.

    What applicants and staff did before an entity was listed, and their work on the file after, is nobody's business: such a
    payload is null, and the line's own hash stands for it.
    """
    listed = ["active", "suspended", "withdrawn", "removed"]
    rows = JournalEntry.objects.order_by("pk").values_list(
        "pk", "prev", "payload", "hash", "event", "membership__state"
    )
    for number, prev, payload, digest, event, state in rows.iterator(chunk_size=2_000):
        public = event in PUBLIC_EVENTS and state in listed
        yield (
            json.dumps(
                {"number": number, "prev": prev, "payload": payload if public else None, "hash": digest},
                ensure_ascii=False,
            )
            + "\n"
        )


# Private evidence ---------------------------------------------------------------------------------------------------


@transaction.atomic
def erase_private_evidence(*, signature: Signature, by: Any = None) -> bool:
    """Forgets address, IP and the like; what is public still verifies, by the salted hash. False if it was erased before."""
    current = (
        Signature.objects.select_for_update(of=("self",)).select_related("membership__entity").get(pk=signature.pk)
    )
    if not current.private:
        return False
    current.private = ""
    current.save(update_fields=["private"])
    journal.write("private evidence erased", membership=current.membership, by=by, signature=current.code)
    return True


# The registry checks itself ------------------------------------------------------------------------------------------


@dataclass
class Report:
    """One walk through the registry."""

    at: str = ""
    lines: int = 0
    signatures: int = 0
    certificates: int = 0
    waiting: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"Registry: journal lines {self.lines}, signatures {self.signatures}, certificates {self.certificates},"
            f" waiting {len(self.waiting)}, faults {len(self.faults)}."
        )


def audit() -> Report:
    """Walks journal, signatures and certificates; compares with the heads published before. Writes nothing."""
    report = Report(at=timezone.now().isoformat(timespec="seconds"), lines=JournalEntry.objects.count())
    report.faults += [*journal.verify(), *_faults_of_heads()]
    told = _told_by_the_journal()
    for signature in (
        Signature.objects.exclude(method="historical").select_related("letter").order_by("pk").iterator(chunk_size=200)
    ):
        report.signatures += 1
        report.certificates += bool(signature.certificate)
        report.faults += [
            f"{signature.code}: {fault}" for fault in _faults_of(signature, told.pop(str(signature.code), {}))
        ]
    report.faults += [f"{code}: the journal tells of this signature, and it is not there." for code in told]
    report.waiting = [f"{waiting.code}: {certificates.why_waiting(waiting)}" for waiting in certificates.missing()]
    report.warnings = _warnings()
    return report


def _told_by_the_journal() -> dict[str, dict[str, str]]:
    """For each code what the journal says of it: the hash of its evidence, of its certificate."""
    told: dict[str, dict[str, str]] = {}
    lines = JournalEntry.objects.filter(Q(event__startswith="signature ") | Q(event="certificate sealed"))
    for payload in lines.values_list("payload", flat=True).iterator(chunk_size=2_000):
        try:
            facts = json.loads(payload)
        except ValueError:
            continue  # a line that was changed: the walk through the chain has named it
        if facts.get("signature"):
            kept = told.setdefault(str(facts["signature"]), {})
            kept |= {name: facts[name] for name in ("evidence_sha256", "certificate_sha256") if name in facts}
    return told


def _faults_of(signature: Signature, told: dict[str, str]) -> Iterator[str]:
    if sha256(signature.evidence.encode()) != signature.evidence_sha256:
        yield "the evidence is not the one that was hashed."
    if signature.private and sha256(signature.private.encode()) != signature.private_sha256:
        yield "the private evidence is not the one that was hashed."
    if told.get("evidence_sha256", signature.evidence_sha256) != signature.evidence_sha256:
        yield "the journal tells of other evidence."
    if signature.method != Signature.Method.HISTORICAL and "evidence_sha256" not in told:
        yield "the journal does not tell of it."
    if not signature.letter.texts.filter(language=signature.language, sha256=signature.text_sha256).exists():
        yield "the letter's text is not the one that was signed."
    if signature.method == Signature.Method.PASSKEY:
        try:
            ceremony.verify_passkey_evidence(json.loads(signature.evidence))
        except (ValueError, KeyError) as error:
            yield f"the passkey's assertion does not hold: {error}"
    if signature.certificate:
        yield from _faults_of_certificate(signature, told)


def _faults_of_certificate(signature: Signature, told: dict[str, str]) -> Iterator[str]:
    if told.get("certificate_sha256") != signature.certificate_sha256:
        yield "the journal tells of another certificate."
    content = stored(signature)
    if content is None:
        yield "the certificate is lost."
    elif sha256(content) != signature.certificate_sha256:
        yield "the certificate was changed."
    else:
        finding = seal.examine(content, at=signature.sealed_at)
        if not finding.is_intact or finding.certificate_sha256 != signature.seal_certificate_sha256:
            yield f"the seal does not hold ({finding.state})."


def _warnings() -> list[str]:
    try:
        key = seal.load()
    except seal.SealError as error:
        return [str(error)]
    if key is not None and (key.ends - timezone.now()).days < DAYS_BEFORE_ALARM:
        return [f"The certificate of the seal ends on {key.ends:%d %B %Y}."]
    return []


# Heads published before, one a line: day, number, hash. A file, so that a change of the database cannot change it too.


def _heads_file() -> Path:
    return Path(settings.VAR_DIR) / "journal-head"


def _faults_of_heads() -> Iterator[str]:
    if not _heads_file().is_file():
        return
    heads = [line.split() for line in _heads_file().read_text().splitlines() if line.strip()]
    hashes = dict(JournalEntry.objects.filter(pk__in=[int(head[1]) for head in heads]).values_list("pk", "hash"))
    for day, number, digest in heads:
        if hashes.get(int(number)) != digest:
            yield f"Line {number}: on {day} it was the last one and had another hash, or it is gone."


def publish_head() -> None:
    """Adds today's head to the file, and the report of the day may be compared with it from then on."""
    head = certificates.journal_head()
    if head is None:
        return
    line = f"{timezone.localdate().isoformat()} {head[0]} {head[1]}\n"
    path = _heads_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or line not in path.read_text().splitlines(keepends=True):
        with path.open("a") as file:
            file.write(line)


def _report_file() -> Path:
    return Path(settings.VAR_DIR) / "registry.json"


def keep_report(report: Report) -> None:
    _report_file().parent.mkdir(parents=True, exist_ok=True)
    _report_file().write_text(json.dumps(asdict(report), ensure_ascii=False))


def last_report() -> Report | None:
    """What the nightly walk found, for the one line in the back office."""
    try:
        return Report(**json.loads(_report_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None
