"""Every change of a membership's state: one function each, in one transaction, with who, why, mail and journal line.

The states and who moves between them: docs/coalition.md. The database keeps the same table (models/membership.py); here
a refusal is a sentence that a person can read. The Head's own acts (sign, decline, withdraw) are in ceremony.py.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from smtplib import SMTPException
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, override

from coalition import journal, mails
from coalition.files import sha256
from coalition.models import Entity, Initiative, Letter, Mandate, Membership, Pledge, Round, Signature
from coalition.models.membership import OPEN_STATES
from coalition.querysets import WORKSPACE_ROLES

if TYPE_CHECKING:
    from ewaste_portal.models import User

DAYS_TO_SIGN = 30
DAYS_TO_LAPSE = 90
CHECKS = ("domain", "look-alikes", "call-back", "exclusions")  # what a reviewer ticks before an application goes on


def locked(membership: Membership, *states: str) -> Membership:
    """The row as it is now, held until the transaction ends. ValidationError if its state forbids the step."""
    current = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("entity", "owner", "letter")
        .get(pk=membership.pk)
    )
    if current.state not in states:
        raise ValidationError(
            _("The application of %(entity)s is in the state “%(state)s”: this step is not open to it.")
            % {"entity": current.entity, "state": current.get_state_display()},
            code="state",
        )
    return current


def move(
    membership: Membership, state: str, event: str, *, by: "User | None", reason: str = "", **changes: Any
) -> Membership:
    """Writes state, time and what belongs to it, and the journal line. Only for functions of this kind.

    What was proposed for the state before is moot.
    """
    membership.state, membership.state_since, membership.proposed_end = state, timezone.now(), {}
    if reason:
        membership.reason = reason
    for name, value in changes.items():
        setattr(membership, name, value)
    membership.save()
    journal.write(event, membership=membership, by=by, state=state)
    return membership


def needs_reason(reason: str) -> str:
    if not reason.strip():
        raise ValidationError(_("Give a reason: the applicant will read it."), code="reason")
    return reason.strip()


# The applicant ------------------------------------------------------------------------------------


@transaction.atomic
def begin(*, entity: Entity, by: "User", track: str = "signatory", **facts: Any) -> Membership:
    """Opens a draft. ValidationError if one of the same kind is open."""
    Entity.objects.select_for_update().get(pk=entity.pk)
    if (
        Membership.objects.filter(entity=entity, track=track)
        .exclude(state__in=["rejected", "declined", "lapsed", "withdrawn", "removed"])
        .exists()
    ):
        raise ValidationError(_("This entity already has an application or membership of this kind."), code="open")
    membership = Membership.objects.create(
        entity=entity, track=track, owner=by, language=by.language, state_since=timezone.now(), **facts
    )
    journal.write("application begun", membership=membership, by=by, track=track)
    return membership


def missing(membership: Membership) -> list[tuple[str, str]]:
    """Field and sentence for everything that an application still lacks."""
    wanted = [("work", _("Describe the entity's work on e-waste."))]
    if membership.track == "signatory":
        wanted += [
            ("head_name", _("Enter the name of the Head.")),
            ("head_title", _("Enter the title of the Head.")),
            ("head_email", _("Enter the e-mail address of the Head's office.")),
        ]
    else:
        wanted += [
            ("head_name", _("Enter the name of the authorised officer.")),
            ("head_title", _("Enter the title of the authorised officer.")),
            ("head_email", _("Enter the e-mail address of the authorised officer.")),
            ("pledge_text", _("Say what the entity pledges.")),
        ]
    gaps = [(field, sentence) for field, sentence in wanted if not getattr(membership, field).strip()]
    if not membership.exclusions_declared:
        gaps.append(("exclusions_declared", _("Declare that no exclusion applies.")))
    return gaps


@transaction.atomic
def answer(*, membership: Membership, by: "User", **answers: Any) -> Membership:
    """Keeps answers of the applicant. A pledge or officer that changes has to be confirmed anew.

    Whoever answers takes the file over where nobody owns it, or its owner has left the entity.
    """
    current = locked(membership, "draft", "returned")
    confirmed = ("head_name", "head_title", "head_email", "pledge_text")
    if current.confirmed_at and any(
        getattr(current, name) != answers.get(name, getattr(current, name)) for name in confirmed
    ):
        current.confirmed_at, current.confirmed_by_officer = None, ""
    for name, value in answers.items():
        setattr(current, name, value)
    if current.owner is None or not Entity.objects.filter(pk=current.entity_id).managed_by(current.owner).exists():
        current.owner = by
    current.save(update_fields=[*answers, "owner", "confirmed_at", "confirmed_by_officer", "modified_at"])
    return current


@transaction.atomic
def nominate(*, entity: Entity, by: "User", sponsor: Entity, round: Round, email: str) -> Membership:
    """A signatory names a newcomer: a draft waits for the newcomer's focal point, and a mail tells of it.

    ValidationError outside the round, for a sponsor that is not an active signatory, or if an application is open.
    """
    today = timezone.localdate()
    if round.opens_on > today or (round.closes_on and round.closes_on < today):
        raise ValidationError(_("This round is not open for nominations today."), code="round")
    if not Membership.objects.filter(entity=sponsor, track="signatory", state="active").exists():
        raise ValidationError(_("Only active signatories nominate newcomers."), code="sponsor")
    membership = begin(entity=entity, by=by, round=round, nominated_by=sponsor)
    membership.owner = None
    membership.save(update_fields=["owner"])
    journal.write("nominated", membership=membership, by=by, sponsor=sponsor.slug)
    message = mails.compose("nominated", to=[email], language=by.language, membership=membership)
    transaction.on_commit(message.send)
    return membership


@transaction.atomic
def submit(*, membership: Membership, by: "User") -> Membership:
    """To review. ValidationError naming what is missing."""
    current = locked(membership, "draft", "returned")
    gaps = missing(current)
    if gaps:
        raise ValidationError([sentence for _field, sentence in gaps], code="incomplete")
    move(current, "review", "application submitted", by=by, submitted_at=timezone.now())
    mails.to_applicants("received", current)
    mails.to_staff("staff_new_application", current)
    if current.track == "supporter" and current.confirmed_at is None:
        ask_officer(membership=current, by=by)
    return current


# The reviewer ---------------------------------------------------------------------------------------


@transaction.atomic
def check(*, membership: Membership, by: "User", item: str, note: str) -> Membership:
    """Records one item of the checklist: what was done and by whom."""
    current = locked(membership, "review")
    if item not in CHECKS:
        raise ValidationError(_("This is not an item of the checklist."), code="item")
    current.checklist = {
        **current.checklist,
        item: {"note": note, "by": by.pk, "at": timezone.now().isoformat(timespec="seconds")},
    }
    current.save(update_fields=["checklist", "modified_at"])
    journal.write("checked", membership=current, by=by, item=item)
    return current


@transaction.atomic
def return_to_applicant(*, membership: Membership, by: "User", reason: str) -> Membership:
    current = move(locked(membership, "review"), "returned", "application returned", by=by, reason=needs_reason(reason))
    mails.to_applicants("returned", current)
    return current


@transaction.atomic
def approve(
    *, membership: Membership, by: "User", letter: Letter | None = None, sign_by: date | None = None
) -> Membership:
    """A signatory's application goes to the Head for signature; a supporter's becomes active once its officer has confirmed.

    ValidationError while the checklist is incomplete, or without a published letter.
    """
    current = locked(membership, "review")
    undone = [item for item in CHECKS if item not in current.checklist]
    if undone:
        raise ValidationError(
            _("The checklist is not complete: %(items)s.") % {"items": ", ".join(undone)}, code="checklist"
        )
    reviewed: dict[str, Any] = {"reviewed_by": by, "reviewed_at": timezone.now()}
    if current.track == "supporter":
        if current.confirmed_at is None:
            raise ValidationError(_("The authorised officer has not confirmed the pledge yet."), code="unconfirmed")
        _check_with(current, by=by)
        move(current, "active", "supporter accepted", by=by, active_since=timezone.localdate(), **reviewed)
        mails.to_applicants("active", current)
        return current
    if letter is None or letter.published_at is None or letter.is_historical:
        raise ValidationError(_("Choose a published letter that is signed here."), code="letter")
    if letter.is_example != current.entity.is_example:
        raise ValidationError(
            _("Only entities made up for the demonstration sign the demonstration letter."), code="example"
        )
    _check_with(current, by=by)
    deadline = sign_by or timezone.localdate() + timedelta(days=DAYS_TO_SIGN)
    move(current, "signing", "application approved", by=by, letter=letter, sign_by=deadline, **reviewed)
    from coalition import ceremony  # noqa: PLC0415  the ceremony builds on these actions

    ceremony.invite(membership=current, by=by)
    mails.to_applicants("approved", current)
    return current


def _check_with(membership: Membership, *, by: "User") -> None:
    """Whoever approves an application has checked the entity that it added."""
    if membership.entity.checked_at is None:
        membership.entity = check_entity(entity=membership.entity, by=by)


@transaction.atomic
def propose_end(*, membership: Membership, by: "User", end: str, reason: str) -> Membership:
    """The first of two pairs of eyes: `rejected` or `removed` waits until another member of staff confirms."""
    states = {"rejected": ("review", "signed"), "removed": ("suspended",)}
    current = locked(membership, *states[end])
    current.proposed_end = {"end": end, "by": by.pk, "reason": needs_reason(reason)}
    current.save(update_fields=["proposed_end", "modified_at"])
    journal.write(f"{end} proposed", membership=current, by=by)
    return current


@transaction.atomic
def confirm_end(*, membership: Membership, by: "User") -> Membership:
    """The second pair of eyes. ValidationError if it is the first again."""
    current = locked(membership, "review", "signed", "suspended")
    proposal = current.proposed_end
    if not proposal:
        raise ValidationError(_("Nothing was proposed that could be confirmed."), code="proposal")
    if proposal["by"] == by.pk:
        raise ValidationError(_("Another member of staff has to confirm this."), code="four-eyes")
    changes = {"ended_on": timezone.localdate()} if proposal["end"] == "removed" else {}
    move(current, proposal["end"], proposal["end"], by=by, reason=proposal["reason"], proposed_end={}, **changes)
    mails.to_applicants(proposal["end"], current)
    return current


@transaction.atomic
def countersign(*, membership: Membership, by: "User") -> Signature:
    """Accepts a signature or a reaffirmation: it is listed, and after the first the membership is active.

    ValidationError for whoever reviewed or recorded it, and if nothing waits.
    """
    current = locked(membership, "signed", "active")
    kind = "original" if current.state == "signed" else "reaffirmation"
    waiting = current.signatures.select_for_update(of=("self",)).uncountersigned().filter(kind=kind)
    signature = waiting.select_related("mandate__delegated_by").order_by("-pk").first()
    if signature is None:
        raise ValidationError(_("No signature waits to be countersigned."), code="nothing")
    if by.pk in other_eyes(current, signature):
        raise ValidationError(
            _("Whoever reviewed or recorded it may not countersign: ask a colleague."), code="four-eyes"
        )
    signature.countersigned_by, signature.countersigned_at = by, timezone.now()
    signature.save(update_fields=["countersigned_by", "countersigned_at"])
    if current.state == "signed":
        move(current, "active", "countersigned", by=by, active_since=signature.signed_on)
        mails.to_applicants("active", current, signature=signature)
    else:
        journal.write("reaffirmation countersigned", membership=current, by=by, signature=signature.code)
        mails.to_applicants("reaffirmed", current, signature=signature)
    queue_certificate(signature)
    return signature


def other_eyes(membership: Membership, signature: Signature) -> set[int | None]:
    """Accounts that may not countersign: who reviewed the application, recorded the signature or confirmed the Head's mandate."""
    accounts = {membership.reviewed_by_id, signature.recorded_by_id}
    if signature.mandate is not None:
        head = signature.mandate.delegated_by or signature.mandate
        accounts |= {signature.mandate.confirmed_by_id, head.confirmed_by_id}
    return accounts - {None}


def queue_certificate(signature: Signature) -> None:
    """The certificate is made by a task: the state never waits for it."""
    from coalition import tasks  # noqa: PLC0415  the tasks build on these actions

    transaction.on_commit(lambda: tasks.make_certificate.enqueue(signature.pk))


@transaction.atomic
def suspend(*, membership: Membership, by: "User", reason: str) -> Membership:
    current = move(locked(membership, "active"), "suspended", "suspended", by=by, reason=needs_reason(reason))
    mails.to_applicants("suspended", current)
    return current


@transaction.atomic
def reinstate(*, membership: Membership, by: "User") -> Membership:
    current = move(locked(membership, "suspended"), "active", "reinstated", by=by, proposed_end={})
    mails.to_applicants("reinstated", current)
    return current


# The clock --------------------------------------------------------------------------------------------


@transaction.atomic
def lapse(*, membership: Membership) -> Membership:
    """Nothing moved for too long: the file is closed, and staff can open it again."""
    current = locked(membership, "draft", "returned", "review", "signing")
    current.invitations.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
    move(current, "lapsed", "lapsed", by=None)
    mails.to_applicants("lapsed", current)
    return current


@transaction.atomic
def reopen(*, membership: Membership, by: "User") -> Membership:
    """A lapsed or declined file goes back to where it was: to the Head if it had been approved, else to a draft."""
    current = locked(membership, "lapsed", "declined")
    others = Membership.objects.filter(entity=current.entity_id, track=current.track, state__in=OPEN_STATES)
    if others.exclude(pk=current.pk).exists():
        raise ValidationError(_("This entity already has an application or membership of this kind."), code="open")
    if current.letter_id is None:
        return move(current, "draft", "reopened", by=by)
    move(current, "signing", "reopened", by=by, sign_by=timezone.localdate() + timedelta(days=DAYS_TO_SIGN))
    from coalition import ceremony  # noqa: PLC0415  the ceremony builds on these actions

    ceremony.invite(membership=current, by=by)
    return current


@transaction.atomic
def back_to_review(*, membership: Membership, by: "User", reason: str) -> Membership:
    """While the Head has not signed: the invitation dies, the application is looked at again."""
    current = locked(membership, "signing")
    current.invitations.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
    return move(current, "review", "back to review", by=by, reason=needs_reason(reason))


PLEDGE_LINK_LASTS = timedelta(days=30)
PLEDGE_SALT = "coalition.pledge"


def pledge_token(membership: Membership) -> str:
    """What the officer's secret address carries: the membership and the words and officer it was made for."""
    return signing.dumps({"membership": membership.pk, "pledge": _pledge_hash(membership)}, salt=PLEDGE_SALT)


def _pledge_hash(membership: Membership) -> str:
    return sha256("\n".join([membership.head_email, membership.head_name, membership.pledge_text]).encode())[:32]


def read_pledge_token(token: str) -> Membership | None:
    """The membership; None for an address that never was. ValidationError for one that no longer counts."""
    try:
        carried = signing.loads(token, salt=PLEDGE_SALT, max_age=PLEDGE_LINK_LASTS)
    except signing.SignatureExpired as error:
        raise ValidationError(
            _("This address was good for 30 days: ask your colleague for a new mail."), code="expired"
        ) from error
    except signing.BadSignature:
        return None
    membership = Membership.objects.select_related("entity").filter(pk=carried["membership"], track="supporter").first()
    if membership is not None and carried["pledge"] != _pledge_hash(membership):
        raise ValidationError(
            _("The pledge was changed after this mail: ask your colleague for a new one."), code="changed"
        )
    return membership


@transaction.atomic
def ask_officer(*, membership: Membership, by: "User") -> None:
    """Sends the authorised officer of a supporter the secret address where the pledge is confirmed.

    At once after the commit and not through the queue, whose rows staff can read.
    """
    current = locked(membership, "draft", "returned", "review")
    if (
        current.track != "supporter"
        or current.confirmed_at is not None
        or not (current.head_email and current.pledge_text)
    ):
        raise ValidationError(_("There is no pledge that waits for its confirmation."), code="pledge")
    with override(current.language):
        address = settings.PORTAL_ORIGIN + reverse("coalition:confirm_pledge", args=[pledge_token(current)])
    message = mails.compose(
        "pledge_confirmation", to=[current.head_email], language=current.language, membership=current, address=address
    )
    journal.write("pledge confirmation asked", membership=current, by=by)
    transaction.on_commit(lambda: _send_now(message, current))


def _send_now(message: EmailMessage, membership: Membership) -> None:
    try:
        get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])
    except (SMTPException, OSError):
        journal.write("mail to the officer refused", membership=membership)


@transaction.atomic
def confirm_pledge(*, membership: Membership, officer: str) -> Membership:
    """The authorised officer of a supporter stands by the pledge (reached by a secret address in a mail)."""
    current = locked(membership, "draft", "review", "returned")
    if current.track != "supporter":
        raise ValidationError(_("Only a supporter's pledge is confirmed this way."), code="track")
    current.confirmed_by_officer, current.confirmed_at = officer, timezone.now()
    current.save(update_fields=["confirmed_by_officer", "confirmed_at", "modified_at"])
    journal.write("pledge confirmed", membership=current)
    return current


# Letters ---------------------------------------------------------------------------------------------------


@transaction.atomic
def publish_letter(*, letter: Letter, by: "User") -> Letter:
    """From then on nothing of it changes. ValidationError if it is published, or lacks its authentic text."""
    current = Letter.objects.select_for_update().get(pk=letter.pk)
    if current.published_at is not None:
        raise ValidationError(_("This letter is already published."), code="published")
    texts = dict(current.texts.values_list("language", "sha256"))
    if not current.is_historical and current.authentic_language not in texts:
        raise ValidationError(_("A letter needs its authentic text before it is published."), code="authentic")
    current.published_at, current.published_by = timezone.now(), by
    current.save(update_fields=["published_at", "published_by"])
    journal.write("letter published", by=by, letter=current.version, texts=texts)
    return current


# Entities and their people -------------------------------------------------------------------------------


@transaction.atomic
def check_entity(*, entity: Entity, by: "User") -> Entity:
    """Staff looked at what an applicant added: from now on it has a public page. ValidationError if it has one already."""
    current = Entity.objects.select_for_update().get(pk=entity.pk)
    if current.checked_at is not None or current.merged_into_id is not None:
        raise ValidationError(_("This entity is already checked, or merged into another."), code="again")
    current.checked_at, current.checked_by = timezone.now(), by
    current.save(update_fields=["checked_at", "checked_by", "modified_at"])
    journal.write("entity checked", by=by, entity=current.slug)
    return current


@transaction.atomic
def merge(*, entity: Entity, into: Entity, by: "User") -> None:
    """One of two records of the same organization gives way to the other, which takes over its people, files and work.

    The old address leads to the new one. Signatures are final, and resources keep the publisher of their title page: both
    are read through `merged_into`. ValidationError, and nothing changes, if the two cannot be one yet.
    """
    rows = {
        row.pk: row for row in Entity.objects.select_for_update().filter(pk__in=[entity.pk, into.pk]).order_by("pk")
    }
    going, staying = rows[entity.pk], rows[into.pk]
    if staying.merged_into_id is not None or going == staying:
        raise ValidationError(_("Choose an entity that is not itself merged into another."), code="merge")
    obstacles = [*_obstacles(going, staying)]
    if obstacles:
        raise ValidationError(obstacles, code="merge")
    files = list(Membership.objects.filter(entity=going))
    _move_people(going, staying)
    Membership.objects.filter(entity=going).update(entity=staying)
    Membership.objects.filter(nominated_by=going).update(nominated_by=staying)
    _move_work(going, staying)
    Entity.objects.filter(merged_into=going).update(merged_into=staying)
    Entity.objects.filter(pk=going.pk).update(merged_into=staying)
    journal.write("entities merged", by=by, entity=staying.slug, merged=going.slug)
    for membership in files:
        membership.entity = staying
        journal.write("moved by a merge", membership=membership, by=by, merged=going.slug)


def _obstacles(going: Entity, staying: Entity) -> Iterator[str]:
    """A sentence for everything that the two cannot both have in one entity."""
    if staying.checked_at is None:
        yield _("The entity that stays has not been checked yet: check it first.")
    if going.is_example != staying.is_example:
        yield _("An entity made up for the demonstration cannot be merged with one that exists.")
    for head in going.mandates.filter(role="head"):
        for other in staying.mandates.filter(role="head", during__overlap=head.during):
            yield _("Both have a Head on the same days, %(one)s and %(other)s: end one of the two mandates first.") % {
                "one": head.name, "other": other.name,
            }  # fmt: skip
    held = Mandate.objects.filter(during__endswith__isnull=True, user__isnull=False).exclude(role="head")
    for mandate in held.filter(entity=going):
        if held.filter(entity=staying, user=mandate.user_id, role=mandate.role).exists():
            yield _("%(name)s has the role “%(role)s” in both: end it in one of the two first.") % {
                "name": mandate.name, "role": mandate.get_role_display(),
            }  # fmt: skip
    for row in Membership.objects.filter(entity=going, state__in=OPEN_STATES):
        for rival in Membership.objects.filter(entity=staying, track=row.track, state__in=OPEN_STATES):
            yield _("Both have a file as “%(track)s”, one “%(one)s”, the other “%(other)s”: end one of the two first.") % {
                "track": row.get_track_display(), "one": row.get_state_display(), "other": rival.get_state_display(),
            }  # fmt: skip
    alive = Pledge.objects.exclude(publication="withdrawn")
    promised = alive.filter(entity=staying).values("title_en")
    for pledge in alive.filter(entity=going, title_en__in=promised):
        yield _("Both have a pledge called “%(title)s”: rename or withdraw one of the two first.") % {"title": pledge}


def _move_people(going: Entity, staying: Entity) -> None:
    """Whoever acted for an entity that nobody had checked asks anew: anybody could have added it."""
    asking: list[int] = []
    if going.checked_at is None:
        lasting = Q(during__endswith__isnull=True) | Q(during__endswith__gt=timezone.localdate())
        confirmed = Mandate.objects.confirmed().filter(lasting, entity=going, role__in=WORKSPACE_ROLES)
        asking = list(confirmed.values_list("pk", flat=True))
    Mandate.objects.filter(entity=going).update(entity=staying)
    Mandate.objects.filter(pk__in=asking).update(confirmed_at=None, confirmed_by=None, confirmed_how="")
    for mandate in Mandate.objects.filter(pk__in=asking).select_related("entity", "user"):
        _tell_of_request(mandate)


def _move_work(going: Entity, staying: Entity) -> None:
    """Initiatives and pledges; nobody is partner of an initiative twice, or of its own."""
    Initiative.objects.filter(entity=going).update(entity=staying)
    Pledge.objects.filter(entity=going).update(entity=staying)
    partners = Initiative.partners.through.objects
    partners.filter(entity=going, initiative__in=staying.partner_initiatives.values("pk")).delete()
    partners.filter(entity=going).update(entity=staying)
    partners.filter(entity=staying, initiative__entity=staying).delete()


def email_domain(email: str) -> str:
    return email.rpartition("@")[2].lower()


@transaction.atomic
def request_role(*, entity: Entity, by: "User", role: str = "focal-point") -> Mandate:
    """A person asks to act for an entity. A verified address in the entity's domain confirms at once, if nobody acts yet."""
    Entity.objects.select_for_update().get(pk=entity.pk)
    if Mandate.objects.holding().filter(entity=entity, user=by, role=role).exists():
        raise ValidationError(_("You already have this role, or have asked for it."), code="again")
    mandate = Mandate.objects.create(
        entity=entity, user=by, role=role, name=str(by), email=by.email, during=(timezone.localdate(), None)
    )
    somebody = (
        Mandate.objects.holding().confirmed().filter(entity=entity, role="focal-point").exclude(pk=mandate.pk).exists()
    )
    verified = by.emailaddress_set.filter(email__iexact=by.email, verified=True).exists()  # type: ignore[attr-defined]
    if (
        role == "focal-point"
        and not somebody
        and verified
        and email_domain(by.email) in {d.lower() for d in entity.domains}
    ):
        confirm_role(mandate=mandate, by=None, how="address in the entity's own domain")
    else:
        _tell_of_request(mandate)
    return mandate


def _tell_of_request(mandate: Mandate) -> None:
    """To the entity's focal points; where there is none, to staff."""
    answering = (
        Mandate.objects.holding().confirmed().filter(entity=mandate.entity, role="focal-point").select_related("user")
    )
    readers = [(point.user.email, point.user.language) for point in answering if point.user]
    for address, language in readers or [(settings.PORTAL_CONTACT, "en")]:
        message = mails.compose(
            "role_requested", to=[address], language=language, mandate=mandate, to_staff=not readers
        )
        transaction.on_commit(message.send)


@transaction.atomic
def confirm_role(*, mandate: Mandate, by: "User | None", how: str) -> Mandate:
    """By staff, by the existing focal point, or (by=None) by the entity's own mail domain."""
    current = Mandate.objects.select_for_update().get(pk=mandate.pk)
    if current.confirmed_at is not None:
        raise ValidationError(_("This role is already confirmed."), code="again")
    current.confirmed_at, current.confirmed_by, current.confirmed_how = timezone.now(), by, how
    current.save(update_fields=["confirmed_at", "confirmed_by", "confirmed_how"])
    mandate.confirmed_at = current.confirmed_at
    if current.user is not None:
        message = mails.compose(
            "role_confirmed", to=[current.user.email], language=current.user.language, mandate=current
        )
        transaction.on_commit(message.send)
    return current


@transaction.atomic
def decline_role(*, mandate: Mandate) -> None:
    """Of a request that nobody has answered: its period ends, and the person is told."""
    current = Mandate.objects.select_for_update().get(pk=mandate.pk)
    if current.confirmed_at is not None:
        raise ValidationError(_("This role is already confirmed."), code="again")
    end_role(mandate=current)
    if current.user is not None:
        message = mails.compose(
            "role_declined", to=[current.user.email], language=current.user.language, mandate=current
        )
        transaction.on_commit(message.send)


@transaction.atomic
def end_role(*, mandate: Mandate, on: date | None = None) -> None:
    """The period ends; invitations to this person die with it."""
    day = on or timezone.localdate()
    current = Mandate.objects.select_for_update().get(pk=mandate.pk)
    lower = current.during.lower
    current.during = (lower, max(day, lower + timedelta(days=1)) if lower else day)
    current.save(update_fields=["during"])
    current.invitations.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
