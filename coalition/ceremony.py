"""The signing ceremony: what the Head does, and only the Head.

A signature is one row written in one transaction. The words that are signed stand in a *statement*: canonical JSON made by
the server, sealed with the portal's own key while it travels through the browser, good for five minutes and for one use.
A passkey signs SHA-256(statement) itself, since that is the challenge of its assertion; the fallback is a code sent to the
Head's address plus the typed full name. docs/signing.md tells how anyone can check the evidence offline.
"""

import base64
import hashlib
import json
import secrets
import struct
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _, override
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from coalition import journal, mails
from coalition.actions import locked, move
from coalition.files import sha256
from coalition.models import Invitation, Letter, LetterText, Mandate, Membership, Signature
from ewaste_portal.accounts import portal_name

if TYPE_CHECKING:
    from ewaste_portal.models import User

INVITATION_LASTS = timedelta(days=30)
FIRST_REMINDER, NEXT_REMINDER, MOST_REMINDERS = timedelta(days=5), timedelta(days=2), 5
STATES = {  # of the membership, in which an invitation of this purpose can be used
    "original": ("signing",),
    "reaffirmation": ("active",),
    "withdrawal": ("active", "suspended"),
}
INVITED = {  # the journal's line when the Head is written to
    "original": "invited",
    "reaffirmation": "reaffirmation asked",
    "withdrawal": "withdrawal asked",
}
STATEMENT_LASTS = 5 * 60  # seconds
CODE_LASTS, CODE_TRIES, CODE_LENGTH = 10 * 60, 5, 8
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no letter that looks like a figure
SALT = "coalition.statement"
CONFIRMATIONS = ("read", "on-behalf", "capacity")  # the three sentences, as the statement records them


class Refused(Exception):  # noqa: N818  an answer to a person, not a failure of the program
    """The act is not possible now; the text says why and what to do."""


# Invitations -----------------------------------------------------------------------------------------


def token_hash(token: str) -> str:
    return sha256(token.encode())


@transaction.atomic
def invite(
    *, membership: Membership, by: "User | None", mandate: Mandate | None = None, purpose: str = "original"
) -> Invitation:
    """Sends the Head (or `mandate`'s person) a secret address; one that was alive dies.

    The address is in the mail alone: the database keeps its hash. The mail goes out at once after the commit, not through
    the queue, whose rows staff can read. ValidationError if the membership is in no state for this purpose.
    """
    membership = locked(membership, *STATES[purpose])
    if purpose == "original":
        mandate = mandate or head_of(membership)
    else:
        mandate = mandate or head_today(membership)
        _refuse_in_vain(membership, mandate, purpose)
    invitation = _replace(
        membership, "invitation", mandate=mandate, purpose=purpose, expires_at=timezone.now() + INVITATION_LASTS
    )
    journal.write(INVITED[purpose], membership=membership, by=by, mandate=mandate.pk, purpose=purpose)
    return invitation


def _refuse_in_vain(membership: Membership, mandate: Mandate, purpose: str) -> None:
    """ValidationError if this person could not reaffirm or withdraw whatever he or she pressed."""
    letter = membership.letter
    if letter is None or not letter.texts.filter(language=letter.authentic_language).exists():
        raise ValidationError(_("The letter of this membership cannot be signed here."), code="letter")
    if not mandate.email:
        raise ValidationError(
            _("No e-mail address is recorded for %(name)s: the secretariat adds it to the mandate first.")
            % {"name": mandate.name},
            code="email",
        )
    if Signature.objects.filter(membership=membership, letter=letter, mandate=mandate, kind=purpose).exists():
        raise ValidationError(_("%(name)s has already answered this.") % {"name": mandate.name}, code="again")


def head_to_ask(membership: Membership, purpose: str) -> Mandate:
    """Who would be asked to reaffirm or to withdraw. ValidationError with the sentence why nobody can be."""
    head = head_today(membership)
    _refuse_in_vain(membership, head, purpose)
    return head


@transaction.atomic
def ask_head(*, membership: Membership, by: "User", purpose: str) -> Invitation:
    """Asks the Head of today to reaffirm or to withdraw; the focal point is told, and of a withdrawal staff too.

    ValidationError while an invitation waits for an answer, and where nobody can be asked.
    """
    current = locked(membership, *STATES[purpose])
    if pending(current) is not None:
        raise ValidationError(
            _("An invitation waits for the Head's answer: take it back before you ask for something else."),
            code="pending",
        )
    invitation = invite(membership=current, by=by, purpose=purpose)
    mails.to_applicants("head_asked", current, invitation=invitation)
    if purpose == "withdrawal":
        mails.to_staff("staff_withdrawal_asked", current, invitation=invitation)
    return invitation


@transaction.atomic
def take_back(*, membership: Membership, by: "User") -> None:
    """The request to reaffirm or to withdraw is void, before the Head has answered. ValidationError if none waits."""
    current = locked(membership, *STATES["withdrawal"])
    waiting = pending(current)
    if waiting is None:
        raise ValidationError(_("No invitation waits for the Head's answer."), code="nothing")
    current.invitations.filter(pk=waiting.pk).update(revoked_at=timezone.now())
    journal.write("request taken back", membership=current, by=by, purpose=waiting.purpose)


def pending(membership: Membership) -> Invitation | None:
    """The invitation that its person can use now. Reads `invitations` as they were prefetched."""
    for invitation in membership.invitations.all():
        if invitation.used_at is None and invitation.revoked_at is None:  # at most one: the database
            invitation.membership = membership
            return invitation if state_of(invitation) == "open" else None
    return None


def new_head(membership: Membership) -> Mandate | None:
    """The Head of today, if those who signed have left office and nobody has reaffirmed for this one."""
    signed = membership.signatures.filter(kind__in=["original", "reaffirmation"], mandate__isnull=False)
    heads = [
        signature.mandate.delegated_by or signature.mandate
        for signature in signed.select_related("mandate__delegated_by").defer("evidence", "private")
        if signature.mandate
    ]
    today = timezone.localdate()
    if not heads or any(head.holds_on(today) for head in heads):
        return None
    current = Mandate.objects.holding(on=today).filter(entity=membership.entity_id, role="head").first()
    if current is None or _bare(current.name) in {_bare(head.name) for head in heads}:  # another term of office
        return None
    return current


def _replace(membership: Membership, kind: str, **fields: Any) -> Invitation:
    """Revokes what was alive, makes a new secret address and mails it. The membership is locked by the caller."""
    membership.invitations.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(membership=membership, token_sha256=token_hash(token), **fields)
    message = _message(kind, invitation, token)
    transaction.on_commit(lambda: _send(invitation, message))
    return invitation


def reminder_is_due(invitation: Invitation) -> bool:
    """First after five days, then every two, at most five; never to withdraw, nor to an address that came back."""
    due = invitation.reminded_at + NEXT_REMINDER if invitation.reminded_at else invitation.created_at + FIRST_REMINDER
    return (
        due <= timezone.now()
        and invitation.reminder_count < MOST_REMINDERS
        and invitation.purpose != "withdrawal"
        and invitation.delivery != Invitation.Delivery.BOUNCED
        and state_of(invitation) == "open"
    )


@transaction.atomic
def remind(invitation: Invitation) -> Invitation | None:
    """A reminder is a new secret address, since the old one is known to nobody but the Head; the last day stays the same.

    None if no reminder is due, such as when another process has just sent it.
    """
    live = _hold(invitation)
    if not reminder_is_due(live):
        return None
    journal.write("reminded", membership=live.membership, count=live.reminder_count + 1)
    return _replace(
        live.membership,
        "invitation_reminder",
        mandate=live.mandate,
        purpose=live.purpose,
        expires_at=live.expires_at,
        opened_at=live.opened_at,
        reminder_count=live.reminder_count + 1,
        reminded_at=timezone.now(),
    )


def head_today(membership: Membership) -> Mandate:
    """The mandate of the entity's Head of today, whoever signed once. ValidationError if none is recorded."""
    head = Mandate.objects.holding().filter(entity=membership.entity, role="head").first()
    if head is None:
        raise ValidationError(
            _("No Head is recorded for today: the secretariat records the mandate first."), code="head"
        )
    return head


def head_of(membership: Membership) -> Mandate:
    """The mandate of the Head named in the application, made if there is none today."""
    today = timezone.localdate()
    head = Mandate.objects.holding(on=today).filter(entity=membership.entity, role="head").first()
    named = {"name": membership.head_name, "title": membership.head_title, "email": membership.head_email}
    if head is not None:
        same = (head.name, head.email) == (membership.head_name, membership.head_email)
        named_today = head.during.lower is not None and head.during.lower >= today and not head.signatures.exists()
        if same or named_today:  # a corrected title, or a person named today by mistake: the same mandate, put right
            Mandate.objects.filter(pk=head.pk).update(**named)
            head.refresh_from_db()
            return head
        head.during = (head.during.lower, today)
        head.save(update_fields=["during"])
    return Mandate.objects.create(entity=membership.entity, role="head", during=(today, None), **named)


def _message(kind: str, invitation: Invitation, token: str) -> EmailMessage:
    with override(invitation.membership.language):
        address = settings.PORTAL_ORIGIN + reverse("coalition:sign", args=[token])
    return mails.compose(
        kind,
        to=[invitation.mandate.email],
        language=invitation.membership.language,
        membership=invitation.membership,
        invitation=invitation,
        address=address,
    )


def _send(invitation: Invitation, message: EmailMessage) -> None:
    try:
        get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])
        delivery = Invitation.Delivery.ACCEPTED
    except (SMTPException, OSError):
        delivery = Invitation.Delivery.REFUSED
    Invitation.objects.filter(pk=invitation.pk).update(delivery=delivery, delivery_at=timezone.now())


def find(token: str) -> Invitation | None:
    """The invitation of a secret address, alive or not; None for an address that never was."""
    return (
        Invitation.objects.select_related(
            "membership__entity__country",
            "membership__letter",
            "membership__owner",
            "membership__reviewed_by",
            "mandate",
        )
        .filter(token_sha256=token_hash(token))
        .first()
    )


def state_of(invitation: Invitation) -> str:
    """`open`, or why not: `used`, `revoked` (a newer one came), `taken-back`, `expired`, `mandate-ended`, `closed`."""
    if invitation.used_at:
        return "used"
    if not invitation.mandate.holds_on(timezone.localdate()):
        return "mandate-ended"
    if invitation.membership.state not in STATES[invitation.purpose]:
        return "closed"
    if invitation.revoked_at:
        newer = Invitation.objects.filter(membership=invitation.membership_id, pk__gt=invitation.pk)
        return "revoked" if newer.exists() else "taken-back"
    return "open" if invitation.expires_at > timezone.now() else "expired"


def _hold(invitation: Invitation) -> Invitation:
    """The invitation as it is now, held until the transaction ends: membership, mandate, invitation, the order of the actions."""
    memberships = Membership.objects.select_for_update(of=("self",)).select_related("entity", "owner", "letter")
    membership = memberships.get(pk=invitation.membership_id)
    mandate = Mandate.objects.select_for_update().get(pk=invitation.mandate_id)
    live = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    live.membership, live.mandate = membership, mandate
    return live


@transaction.atomic
def open_invitation(invitation: Invitation) -> None:
    """Somebody pressed a button on the page: the focal point sees that it was reached."""
    if Invitation.objects.filter(pk=invitation.pk, opened_at__isnull=True).update(opened_at=timezone.now()):
        journal.write("invitation opened", membership=invitation.membership)


@transaction.atomic
def ask(invitation: Invitation, *, about: str, words: str = "") -> None:
    """What the Head tells from the page, without any effect on the invitation: `correction` of how the entity is listed,
    or `wrong-person`. Goes to the focal point and to staff."""
    membership = invitation.membership
    journal.write(f"head asks: {about}", membership=membership)
    kind = {"correction": "correction_asked", "wrong-person": "wrong_person"}[about]
    mails.to_applicants(kind, membership, words=words)
    mails.to_staff(kind, membership, words=words)


# The statement -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """A statement ready to be signed: its text, and the sealed form that the browser carries."""

    text: str
    sealed: str

    @property
    def challenge(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


def facts(invitation: Invitation, language: str) -> dict[str, Any]:
    """What the statement says, except its time and nonce: everything that must be the same when it is signed."""
    membership, mandate = invitation.membership, invitation.mandate
    letter, text = letter_of(invitation), letter_text(invitation, language)
    return {
        "portal": settings.PORTAL_ORIGIN,
        "kind": invitation.purpose,
        "letter": letter.version,
        "language": text.language,
        "text_sha256": text.sha256,
        "authentic_language": letter.authentic_language,
        "entity": membership.entity.slug,
        "entity_name": membership.entity.official_name_en,
        "name": mandate.name,
        "title": mandate.title,
        "capacity": mandate.role,
        "instrument_sha256": mandate.instrument_sha256,
        "membership": membership.pk,
        "confirmed": list(CONFIRMATIONS),
        "is_example": membership.entity.is_example,
    }


def shown(invitation: Invitation, language: str) -> str:
    """A hash of what the page shows; the page sends it back, so that nobody signs what he or she has not seen."""
    return sha256(journal.canonical(facts(invitation, language)).encode())


def prepare(invitation: Invitation, *, language: str, shown_before: str | None = None) -> Prepared:
    """The words that will be signed, in one of the letter's languages.

    Refused if the invitation is not open, or if `shown_before`, the hash of what the page showed, is not that of today.
    """
    state = state_of(invitation)
    if state != "open":
        raise Refused(refusal(state))
    if shown_before is not None and not constant_time_compare(shown_before, shown(invitation, language)):
        raise Refused(_("The letter or the particulars changed while you read: read them again, then sign."))
    statement = {
        **facts(invitation, language),
        "nonce": secrets.token_hex(16),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    body = journal.canonical(statement)
    return Prepared(body, signing.dumps({"invitation": invitation.pk, "statement": body}, salt=SALT, compress=True))


def letter_of(invitation: Invitation) -> Letter:
    """The letter that this invitation is about. Refused if staff have not chosen one."""
    if invitation.membership.letter is None:
        raise Refused(refusal("closed"))
    return invitation.membership.letter


def letter_text(invitation: Invitation, language: str) -> LetterText:
    """The letter in this language, else the authentic text."""
    letter = letter_of(invitation)
    texts = {text.language: text for text in letter.texts.all()}
    return texts.get(language) or texts[letter.authentic_language]


def refusal(state: str) -> str:
    return {
        "used": _("This invitation has been used."),
        "revoked": _("This invitation was replaced by a newer one: use the latest mail."),
        "taken-back": _("This invitation was taken back: nothing waits for you."),
        "expired": _("This invitation has expired: ask your focal point for a new one."),
        "mandate-ended": _("The mandate that this invitation was addressed to has ended."),
        "closed": _("This application is not open for signature now."),
    }[state]


def _unseal(invitation: Invitation, sealed: str) -> dict[str, Any]:
    try:
        carried = signing.loads(sealed, salt=SALT, max_age=STATEMENT_LASTS)
    except signing.SignatureExpired as error:
        raise Refused(_("Five minutes have passed since the page was prepared: read it again and sign.")) from error
    except signing.BadSignature as error:
        raise Refused(_("The page was changed on its way: load it again.")) from error
    if carried.get("invitation") != invitation.pk:  # or none: another thing that we sealed
        raise Refused(_("The page was changed on its way: load it again."))
    return dict(carried)


# Passkey -----------------------------------------------------------------------------------------------------


def _server() -> Fido2Server:
    host = urlsplit(settings.PORTAL_ORIGIN).hostname
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=host, name=portal_name()),
        verify_origin=lambda origin: constant_time_compare(str(origin), settings.PORTAL_ORIGIN),
    )


def passkey_options(invitation: Invitation) -> dict[str, Any]:
    """Options for navigator.credentials.create(), as JSON, and the sealed state that comes back with the answer."""
    user = PublicKeyCredentialUserEntity(
        id=hashlib.sha256(f"signer:{invitation.pk}".encode()).digest(),
        name=invitation.mandate.name,
        display_name=f"{invitation.mandate.name}, {invitation.membership.entity}",
    )
    options, state = _server().register_begin(
        user,
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return {"options": dict(options)["publicKey"], "state": signing.dumps(state, salt=SALT)}


POISON = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, struct.error)  # of parsers


@dataclass(frozen=True)
class PasskeyProof:
    """What a browser sends: the new credential and its assertion over the statement, both as WebAuthn's JSON."""

    registration: dict[str, Any]
    registration_state: str
    assertion: dict[str, Any]


def _passkey_evidence(prepared: Prepared, proof: PasskeyProof) -> dict[str, Any]:
    """Checks the proof and returns what is needed to check it again offline. Refused if it does not hold."""
    server = _server()
    try:
        state = signing.loads(proof.registration_state, salt=SALT, max_age=STATEMENT_LASTS)
        registered = server.register_complete(state, RegistrationResponse.from_dict(proof.registration))
        credential = registered.credential_data
        if credential is None:
            raise Refused(_("The passkey could not be made: try again, or use a code by e-mail."))
        response = AuthenticationResponse.from_dict(proof.assertion)
        challenge = {"challenge": websafe_encode(prepared.challenge), "user_verification": "required"}
        server.authenticate_complete(challenge, [credential], response)
    except (*POISON, signing.BadSignature) as error:
        raise Refused(_("The passkey did not confirm this letter: try again, or use a code by e-mail.")) from error
    return {
        "assertion": {
            "rp_id": server.rp.id,
            "origin": settings.PORTAL_ORIGIN,
            "credential_id": websafe_encode(credential.credential_id),
            "public_key_cose": base64.b64encode(_cose(credential.public_key)).decode(),
            "client_data_json": base64.b64encode(bytes(response.response.client_data)).decode(),
            "authenticator_data": base64.b64encode(bytes(response.response.authenticator_data)).decode(),
            "signature": base64.b64encode(response.response.signature).decode(),
        }
    }


def _cose(key: CoseKey) -> bytes:
    return bytes(cbor.encode(dict(key)))


def verify_passkey_evidence(evidence: dict[str, Any]) -> None:
    """The offline check: raises ValueError unless the assertion signs exactly the statement with user verification.

    Uses nothing but the evidence and the library `fido2`.
    """
    try:
        statement, assertion = evidence["statement"].encode(), evidence["assertion"]
        portal = json.loads(statement)["portal"]
        client_data = CollectedClientData(base64.b64decode(assertion["client_data_json"], validate=True))
        data = AuthenticatorData(base64.b64decode(assertion["authenticator_data"], validate=True))
        key = CoseKey.parse(
            cast(dict[int, Any], cbor.decode(base64.b64decode(assertion["public_key_cose"], validate=True)))
        )
        signature = base64.b64decode(assertion["signature"], validate=True)
    except (KeyError, TypeError, AttributeError, struct.error) as error:
        raise ValueError("The evidence is not complete.") from error
    if hashlib.sha256(statement).hexdigest() != evidence.get("statement_sha256"):
        raise ValueError("The statement is not the one that the evidence names.")
    if client_data.challenge != hashlib.sha256(statement).digest():
        raise ValueError("The assertion is about another statement.")
    if not client_data.origin == assertion.get("origin") == portal or client_data.type != "webauthn.get":
        raise ValueError("The assertion was made elsewhere.")
    host = urlsplit(portal).hostname or ""
    if assertion.get("rp_id") != host or data.rp_id_hash != hashlib.sha256(host.encode()).digest():
        raise ValueError("The assertion is for another relying party.")
    if not (data.is_user_present() and data.is_user_verified()):
        raise ValueError("The user was not verified.")
    try:
        key.verify(bytes(data) + client_data.hash, signature)
    except Exception as error:  # the library raises the InvalidSignature of its back end
        raise ValueError("The signature does not fit the key.") from error


# Code by e-mail -------------------------------------------------------------------------------------------------


def send_code(invitation: Invitation, session: Any) -> None:
    """Sends a new code to the Head's own address; only this browser session can use it."""
    code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
    session[f"signing-code-{invitation.pk}"] = {
        "hash": _code_hash(invitation, code),
        "until": int(timezone.now().timestamp()) + CODE_LASTS,
        "tries": 0,
    }
    message = mails.compose(
        "signing_code", to=[invitation.mandate.email], language=invitation.membership.language, code=f"{code[:4]}-{code[4:]}",
        membership=invitation.membership,
    )  # fmt: skip
    get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])


def _code_hash(invitation: Invitation, code: str) -> str:
    return hashlib.sha256(f"{invitation.pk}:{settings.SECRET_KEY}:{code}".encode()).hexdigest()


def read_code(text: str) -> str:
    """As typed, forgiving case, spaces, hyphens, and letters taken for figures."""
    return text.upper().translate(str.maketrans("OIL", "011", " -‐‑–."))


def check_code(invitation: Invitation, session: Any, code: str) -> None:
    """Refused for a wrong, old or worn-out code."""
    with transaction.atomic():
        refused = _try_code(invitation, session, code)
    if refused:
        raise Refused(refused)


def _try_code(invitation: Invitation, session: Any, code: str) -> str:
    """Why the code does not count, or nothing. Tries are counted one by one, however many requests arrive at once."""
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    now = type(session)(session.session_key)  # as it is now, not when this request began
    key = f"signing-code-{invitation.pk}"
    kept = now.get(key)
    if kept is None or kept["until"] < timezone.now().timestamp():
        return _("The code is no longer valid: ask for a new one.")
    if kept["tries"] >= CODE_TRIES:
        return _("Too many wrong codes: ask for a new one.")
    if constant_time_compare(kept["hash"], _code_hash(invitation, read_code(code))):
        return ""
    now[key] = {**kept, "tries": kept["tries"] + 1}
    now.save()
    return _("This is not the code of the latest mail.")


def _needs_code(code_was_checked: bool) -> None:
    """Whoever declines or hands over shows that the Head's mailbox is his or hers: the address alone may have wandered."""
    if not code_was_checked:
        raise Refused(_("Confirm with a code by e-mail."))


# The act --------------------------------------------------------------------------------------------------------


def new_code() -> str:
    """A certificate's code: twelve characters in three groups."""
    characters = "".join(secrets.choice(ALPHABET) for _place in range(12))
    return f"{characters[:4]}-{characters[4:8]}-{characters[8:]}"


def sign(
    invitation: Invitation,
    *,
    sealed: str,
    passkey: PasskeyProof | None = None,
    typed_name: str = "",
    code_was_checked: bool = False,
    address: str = "",
    user_agent: str = "",
    user: Any = None,
) -> Signature:
    """The signature, once: a repeated request gives the row that is there. Refused with a sentence otherwise.

    PermissionDenied for an assistant: see keep_out_assistants().
    """
    keep_out_assistants(user, invitation)
    existing = signature_of(invitation) if invitation.used_at else None
    if existing is not None:
        return existing
    carried = _unseal(invitation, sealed)
    prepared = Prepared(carried["statement"], sealed)
    if passkey is not None:
        method, proof = Signature.Method.PASSKEY, _passkey_evidence(prepared, passkey)
    elif code_was_checked:
        if _bare(typed_name) != _bare(invitation.mandate.name):
            raise Refused(_("Type the full name as it stands above."))
        method, proof = (
            Signature.Method.EMAIL_CODE,
            {
                "email_code_verified_at": timezone.now().isoformat(timespec="seconds"),
                "typed_name": typed_name,
            },
        )
    else:
        raise Refused(_("Confirm with a passkey or with a code by e-mail."))
    try:
        with transaction.atomic():
            return _write(invitation, prepared, method, proof, address=address, user_agent=user_agent)
    except IntegrityError as error:
        existing = signature_of(invitation)
        if existing is None:
            raise Refused(_("The signature could not be written: load the page again.")) from error
        return existing


def keep_out_assistants(user: Any, invitation: Invitation) -> None:
    """PermissionDenied, and a line in the journal, for a signed-in assistant or focal point of the entity who is not the Head."""
    if user is not None and user.is_authenticated and _is_not_the_head(user, invitation):
        journal.write("signing refused to an assistant", membership=invitation.membership, by=user)
        raise PermissionDenied


def _is_not_the_head(user: Any, invitation: Invitation) -> bool:
    roles = Mandate.objects.holding().filter(entity=invitation.membership.entity, user=user)
    return roles.exists() and not roles.filter(pk=invitation.mandate_id).exists()


def _bare(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def signature_of(invitation: Invitation) -> Signature | None:
    """What was signed by this invitation; None if it was declined, or is not used yet."""
    return Signature.objects.filter(
        membership=invitation.membership, mandate=invitation.mandate, kind=invitation.purpose
    ).last()


def _write(
    invitation: Invitation, prepared: Prepared, method: str, proof: dict[str, Any], *, address: str, user_agent: str
) -> Signature:
    live = _hold(invitation)
    membership = live.membership
    existing = signature_of(live) if live.used_at else None
    if existing is not None:
        return existing
    state = state_of(live)
    if state != "open":
        raise Refused(refusal(state))
    statement = json.loads(prepared.text)
    letter, text = letter_of(live), letter_text(live, statement["language"])
    if text.sha256 != statement["text_sha256"] or letter.version != statement["letter"]:
        raise Refused(_("The letter was republished while you read it: read the new version and sign that."))
    if {**statement, **facts(live, statement["language"])} != statement:
        raise Refused(_("The letter or the particulars changed while you read: read them again, then sign."))
    now = timezone.now()
    private = journal.canonical(
        {"salt": secrets.token_hex(16), "email": live.mandate.email, "address": address, "user_agent": user_agent[:300]}
    )
    evidence = journal.canonical(
        {
            "statement": prepared.text,
            "statement_sha256": prepared.challenge.hex(),
            "method": method,
            "mandate": live.mandate_id,
            "instrument_sha256": live.mandate.instrument_sha256,
            "private_sha256": sha256(private.encode()),
            "journal_head": journal.head(),
            **proof,
        }
    )
    signature = Signature.objects.create(
        membership=membership,
        entity=membership.entity,
        letter=letter,
        mandate=live.mandate,
        kind=live.purpose,
        method=method,
        code=new_code(),
        signed_on=timezone.localdate(now),
        signed_at=now,
        entity_name=membership.entity.official_name,
        signer_name=live.mandate.name,
        signer_title=live.mandate.title,
        capacity=live.mandate.role,
        language=text.language,
        text_sha256=text.sha256,
        evidence=evidence,
        evidence_sha256=sha256(evidence.encode()),
        private=private,
        private_sha256=sha256(private.encode()),
        nonce=statement["nonce"],
        is_example=membership.entity.is_example,
    )
    live.used_at = now
    live.save(update_fields=["used_at"])
    if live.purpose == "original":
        move(membership, "signed", "signed", by=None)
    elif live.purpose == "withdrawal":
        move(membership, "withdrawn", "withdrawn", by=None, ended_on=timezone.localdate(now))
    journal.write(
        f"signature {live.purpose}",
        membership=membership,
        signature=signature.code,
        evidence_sha256=signature.evidence_sha256,
    )
    mails.to_applicants(f"signed_{live.purpose}", membership, signature=signature)
    mails.to_staff("staff_signed", membership, signature=signature)
    return signature


@transaction.atomic
def decline(invitation: Invitation, *, reason: str, code_was_checked: bool = False) -> Membership:
    """The Head does not sign, and says why; everybody involved is told, staff can invite again."""
    _needs_code(code_was_checked)
    live = _hold(invitation)
    if state_of(live) != "open" or live.purpose != "original":
        raise Refused(
            refusal(state_of(live)) if state_of(live) != "open" else _("Only a request to sign can be declined.")
        )
    if not reason.strip():
        raise Refused(_("Say why, in a few words: the secretariat alone reads it."))
    membership = live.membership
    live.used_at = timezone.now()
    live.save(update_fields=["used_at"])
    move(membership, "declined", "declined", by=None, reason=reason.strip())
    mails.to_applicants("declined", membership)
    mails.to_staff("staff_declined", membership)
    return membership


@transaction.atomic
def delegate(
    invitation: Invitation, *, name: str, title: str, email: str, instrument: Any, code_was_checked: bool = False
) -> Invitation:
    """The Head hands over to a delegate, whose instrument is uploaded; the delegate gets an address of his or her own."""
    _needs_code(code_was_checked)
    live = _hold(invitation)
    if state_of(live) != "open":
        raise Refused(refusal(state_of(live)))
    if live.mandate.role != "head":
        raise Refused(_("Only the Head can delegate."))
    membership = live.membership
    content = instrument.read()
    instrument.seek(0)
    mandate = Mandate.objects.create(
        entity=membership.entity,
        role="delegate",
        name=name,
        title=title,
        email=email,
        during=(timezone.localdate(), None),
        delegated_by=live.mandate,
        instrument=instrument,
        instrument_sha256=sha256(content),
    )
    facts = {"mandate": mandate.pk, "instrument_sha256": mandate.instrument_sha256}
    journal.write("delegated", membership=membership, method=Signature.Method.EMAIL_CODE.value, **facts)
    mails.to_applicants("delegated", membership, mandate=mandate)
    return invite(membership=membership, by=None, mandate=mandate, purpose=live.purpose)
