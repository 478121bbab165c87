"""The reviewer's cockpit: what one page tells of a file, and the steps that can be taken from it.

The steps ask coalition.permissions and call coalition.actions; nothing is decided here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy

from coalition import actions, ceremony, clock, files, lookalikes, permissions, recording
from coalition.models import Entity, Invitation, Letter, Mandate, Membership, Signature
from ewaste_portal import vocabularies
from ewaste_portal.models import User

WARNING_DAYS, DANGER_DAYS = 7, 14  # how long a file may wait for staff
RESEMBLES = 0.8
ANSWERS = ("head_name", "head_title", "head_email", "work", "pledge_text")
CHECK_LABELS = {
    "domain": gettext_lazy("The mail addresses belong to the entity"),
    "look-alikes": gettext_lazy("The entity is not recorded twice, and is who it says it is"),
    "call-back": gettext_lazy("Called back, on a number that we found ourselves"),
    "exclusions": gettext_lazy("No exclusion applies"),
}
assert set(CHECK_LABELS) == set(actions.CHECKS)  # noqa: S101  a page that lacks an item would hold up every application

# Events of the journal beside those that the applicant reads of (clock.EVENTS).
EVENTS = {
    "checked": gettext_lazy("An item of the checklist was recorded."),
    "rejected proposed": gettext_lazy("Rejection was proposed."),
    "removed proposed": gettext_lazy("Removal was proposed."),
    "reminded": gettext_lazy("The Head was reminded."),
    "invitation came back": gettext_lazy("The mail of the invitation came back."),
    "head asks: correction": gettext_lazy("The Head asked for a correction."),
    "head asks: wrong-person": gettext_lazy("The invitation reached the wrong person."),
    "signing refused to an assistant": gettext_lazy("Somebody who is not the Head tried to sign."),
    "signature original": gettext_lazy("A signature was written."),
    "signature withdrawal": gettext_lazy("A withdrawal was signed."),
    "certificate sealed": gettext_lazy("The certificate was sealed."),
    "private evidence erased": gettext_lazy("Private evidence was erased."),
    "recorded from sources": gettext_lazy("Recorded from sources."),
    "letter published": gettext_lazy("A letter was published."),
    "entity checked": gettext_lazy("An entity was checked."),
    "entities merged": gettext_lazy("An entity was merged into another."),
    "moved by a merge": gettext_lazy("The entity was merged into another, and this file moved with it."),
}


def event_label(event: str) -> str:
    return str(clock.EVENTS.get(event) or EVENTS.get(event) or event)


def age_in_days(membership: Membership) -> int:
    """Days in the present state."""
    return (timezone.localdate() - timezone.localdate(membership.state_since)).days


def age_family(membership: Membership) -> str:
    """The badge that the age wears: only a file that somebody has to move grows old."""
    if membership.state == "signing":
        return "danger" if (membership.sign_by or date.max) < timezone.localdate() else "quiet"
    if membership.state not in {"review", "signed"}:
        return "quiet"
    age = age_in_days(membership)
    return "success" if age <= WARNING_DAYS else "warning" if age <= DANGER_DAYS else "danger"


# Forms of the steps -------------------------------------------------------------------------------------------


class NoForm(forms.Form):
    """A step that asks for nothing."""

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.membership = membership


def _words(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "class": "vLargeTextField"})


class ReasonForm(NoForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The applicant will read it: write in the language of the correspondence."),
        widget=_words(),
    )


class CheckForm(NoForm):
    item = forms.ChoiceField(choices=[(item, item) for item in actions.CHECKS], widget=forms.HiddenInput)
    note = forms.CharField(label=gettext_lazy("What was done"), max_length=2_000, widget=_words(2))


class ApproveForm(NoForm):
    letter = forms.ModelChoiceField(Letter.objects.none(), label=gettext_lazy("Letter"))
    sign_by = forms.DateField(label=gettext_lazy("To be signed by"), widget=AdminDateWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        letters = Letter.objects.published().filter(kind="portal", is_example=self.membership.entity.is_example)
        self.fields["letter"].queryset = letters  # type: ignore[attr-defined]
        self.fields["letter"].initial = self.membership.letter_id or letters.first()
        self.fields["sign_by"].initial = timezone.localdate() + timedelta(days=actions.DAYS_TO_SIGN)
        if self.membership.track == "supporter":
            self.fields.clear()

    def clean_sign_by(self) -> date:
        day: date = self.cleaned_data["sign_by"]
        if day <= timezone.localdate():
            raise ValidationError(_("Choose a day in the future."), code="past")
        return day


class RecordForm(NoForm):
    mandate = forms.ModelChoiceField(Mandate.objects.none(), label=gettext_lazy("Who signed"))
    method = forms.ChoiceField(
        label=gettext_lazy("How"), choices=[(method.value, method.label) for method in recording.METHODS]
    )
    signed_on = forms.DateField(label=gettext_lazy("Day of signature"), widget=AdminDateWidget)
    scan = forms.FileField(
        label=gettext_lazy("Scan or file"),
        validators=[files.validate_document],
        help_text=gettext_lazy("PDF, PNG, JPEG or WebP, at most 10 MB. It is kept as it is and shown to staff alone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        signers = Mandate.objects.filter(entity=self.membership.entity_id, role__in=["head", "delegate"])
        self.fields["mandate"].queryset = signers  # type: ignore[attr-defined]
        self.fields["mandate"].initial = signers.filter(during__contains=timezone.localdate()).first()
        self.fields["signed_on"].initial = timezone.localdate


class BounceForm(NoForm):
    invitation = forms.ModelChoiceField(Invitation.objects.none(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["invitation"].queryset = self.membership.invitations.all()  # type: ignore[attr-defined]


# Steps ----------------------------------------------------------------------------------------------------------


def _may_countersign(user: Any, membership: Membership) -> bool:
    if not permissions.can_countersign(user, membership):
        return False
    waiting = membership.signatures.uncountersigned().select_related("mandate__delegated_by").order_by("-pk").first()
    return waiting is None or user.pk not in actions.other_eyes(membership, waiting)


def _may_ask(purpose: str) -> Callable[[Any, Membership], bool]:
    def may(user: Any, membership: Membership) -> bool:
        return membership.state in ceremony.STATES[purpose] and permissions.can_manage_asking(user, membership)

    return may


def _may_invite_again(user: Any, membership: Membership) -> bool:
    return permissions.can_manage_signing(user, membership) or permissions.can_manage_asking(user, membership)


def _is_asked(membership: Membership) -> bool:
    return ceremony.pending(membership) is not None


def _is_not_asked(membership: Membership) -> bool:
    return not _is_asked(membership)


def _ask(purpose: str) -> Callable[..., Invitation]:
    def ask(*, membership: Membership, by: User) -> Invitation:
        return ceremony.ask_head(membership=membership, by=by, purpose=purpose)

    return ask


def _invite_again(*, membership: Membership, by: User) -> Invitation:
    """To whom the last invitation went, if that is a delegate who still holds the mandate; else to the Head."""
    last = membership.invitations.select_related("mandate").first()
    delegate = last.mandate if last and last.mandate.role == "delegate" else None
    if delegate is not None and not delegate.holds_on(timezone.localdate()):
        delegate = None
    if membership.state == "signing":
        return ceremony.invite(membership=membership, by=by, mandate=delegate)
    if not last or not _is_asked(membership):
        raise ValidationError(_("No invitation waits for the Head's answer."), code="nothing")
    return ceremony.invite(membership=membership, by=by, mandate=delegate, purpose=last.purpose)


def _record(*, membership: Membership, by: User, **given: Any) -> Signature:
    return recording.record_signature(membership=membership, by=by, **given)


def _bounce(*, membership: Membership, by: User, invitation: Invitation) -> Invitation:
    return recording.record_bounce(invitation=invitation, by=by)


def _propose(end: str) -> Callable[..., Membership]:
    def propose(*, membership: Membership, by: User, reason: str) -> Membership:
        return actions.propose_end(membership=membership, by=by, end=end, reason=reason)

    return propose


@dataclass(frozen=True)
class Step:
    """One thing that can be done with a file: a form with a button, or a button alone."""

    name: str
    title: Any  # lazy texts
    button: Any
    done: Any
    is_open: Callable[[Any, Membership], bool]
    act: Callable[..., Any]
    form: type[NoForm] = NoForm
    help: Any = ""
    is_own_section: bool = True  # False: its form stands elsewhere on the page
    is_shown: Callable[[Membership], bool] = lambda _membership: (
        True
    )  # beside `is_open`: whether its button is of use now


STEPS = {
    step.name: step
    for step in (
        Step(
            "check", gettext_lazy("Record an item"), gettext_lazy("Record"), gettext_lazy("The item was recorded."),
            permissions.can_review, actions.check, CheckForm, is_own_section=False,
        ),
        Step(
            "bounce", gettext_lazy("Mail came back"), gettext_lazy("Came back"),
            gettext_lazy("It is recorded that the mail came back."),
            permissions.can_manage_signing, _bounce, BounceForm, is_own_section=False,
        ),
        Step(
            "approve", gettext_lazy("Approve"), gettext_lazy("Approve"), gettext_lazy("The application was approved."),
            permissions.can_review, actions.approve, ApproveForm,
            gettext_lazy("The Head is invited to sign. A supporter becomes active at once."),
        ),
        Step(
            "return", gettext_lazy("Return to the applicant"), gettext_lazy("Return"),
            gettext_lazy("The application was returned."),
            permissions.can_review, actions.return_to_applicant, ReasonForm,
        ),
        Step(
            "countersign", gettext_lazy("Countersign"), gettext_lazy("Countersign"),
            gettext_lazy("It was countersigned and is listed; the certificate is being made."),
            _may_countersign, actions.countersign, NoForm,
            gettext_lazy(
                "Confirm that the person is who signed, and may sign for the entity. "
                "The signature or reaffirmation is then listed, and its certificate made."
            ),
        ),
        Step(
            "reaffirm", gettext_lazy("Ask the Head to reaffirm"), gettext_lazy("Ask for a reaffirmation"),
            gettext_lazy("The Head was asked to reaffirm."),
            _may_ask("reaffirmation"), _ask("reaffirmation"), NoForm,
            gettext_lazy("The Head of today gets a secret address, and the focal point is told. A colleague countersigns."),
            is_shown=_is_not_asked,
        ),
        Step(
            "withdrawal", gettext_lazy("Ask the Head to withdraw"), gettext_lazy("Ask for a withdrawal"),
            gettext_lazy("The Head was asked to withdraw."),
            _may_ask("withdrawal"), _ask("withdrawal"), NoForm,
            gettext_lazy(
                "At the entity's wish: the Head of today gets a secret address, and the focal point is told. "
                "The withdrawal takes effect as soon as the Head confirms it, without countersignature."
            ),
            is_shown=_is_not_asked,
        ),
        Step(
            "invite", gettext_lazy("Send the invitation again"), gettext_lazy("Send again"),
            gettext_lazy("A new invitation was sent; the one before is void."),
            _may_invite_again, _invite_again, NoForm,
            gettext_lazy("A new secret address goes to the same person; the one before is void."),
            is_shown=lambda membership: membership.state == "signing" or _is_asked(membership),
        ),
        Step(
            "take-back", gettext_lazy("Take the request to the Head back"), gettext_lazy("Take the request back"),
            gettext_lazy("The request is void: its address opens nothing any more."),
            permissions.can_manage_asking, ceremony.take_back, is_shown=_is_asked,
        ),
        Step(
            "record", gettext_lazy("Record a signature made elsewhere"), gettext_lazy("Record the signature"),
            gettext_lazy("The signature was recorded: a colleague has to countersign it."),
            permissions.can_manage_signing, _record, RecordForm,
            gettext_lazy("Handwritten, or the entity's own electronic signature. A colleague countersigns it."),
        ),
        Step(
            "back", gettext_lazy("Take back to review"), gettext_lazy("Take back"),
            gettext_lazy("The application is in review again; the invitation is void."),
            permissions.can_manage_signing, actions.back_to_review, ReasonForm,
        ),
        Step(
            "reopen", gettext_lazy("Reopen"), gettext_lazy("Reopen"), gettext_lazy("The file was reopened."),
            permissions.can_reopen, actions.reopen, NoForm,
            gettext_lazy("It goes back to where it was; if it had been approved, the Head is invited again."),
        ),
        Step(
            "suspend", gettext_lazy("Suspend"), gettext_lazy("Suspend"), gettext_lazy("The membership was suspended."),
            lambda user, membership: membership.state == "active" and permissions.can_suspend(user, membership),
            actions.suspend, ReasonForm,
        ),
        Step(
            "reinstate", gettext_lazy("Reinstate"), gettext_lazy("Reinstate"),
            gettext_lazy("The membership was reinstated."),
            lambda user, membership: membership.state == "suspended" and permissions.can_suspend(user, membership),
            actions.reinstate,
        ),
        Step(
            "propose-rejection", gettext_lazy("Propose rejection"), gettext_lazy("Propose rejection"),
            gettext_lazy("Rejection was proposed: a colleague has to confirm it."),
            lambda user, membership: permissions.can_propose_end(user, membership, "rejected"),
            _propose("rejected"), ReasonForm, gettext_lazy("It takes effect when another member of staff confirms it."),
        ),
        Step(
            "propose-removal", gettext_lazy("Propose removal"), gettext_lazy("Propose removal"),
            gettext_lazy("Removal was proposed: a colleague has to confirm it."),
            lambda user, membership: permissions.can_propose_end(user, membership, "removed"),
            _propose("removed"), ReasonForm, gettext_lazy("It takes effect when another member of staff confirms it."),
        ),
        Step(
            "confirm-end", gettext_lazy("Confirm what was proposed"), gettext_lazy("Confirm"),
            gettext_lazy("It was confirmed, and the applicant is told."),
            permissions.can_confirm_end, actions.confirm_end,
        ),
    )
}  # fmt: skip


def take(step: Step, *, membership: Membership, by: User, **given: Any) -> None:
    """ValidationError with a sentence if the step is not open or refused."""
    if not step.is_open(by, membership):
        text = _("“%(step)s” is not open to you in the state “%(state)s”.")
        raise ValidationError(text % {"step": step.title, "state": membership.get_state_display()}, code="closed")
    try:
        step.act(membership=membership, by=by, **given)
    except ceremony.Refused as error:
        raise ValidationError(str(error), code="refused") from error


# What the page tells ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """A mail address of the file against the entity's own domains: `own`, `unknown`, `free` or `resembles`."""

    whose: Any
    email: str
    verdict: str
    like: str = ""

    @property
    def family(self) -> str:
        return {"own": "success", "unknown": "warning"}.get(self.verdict, "danger")

    @property
    def words(self) -> str:
        return {
            "own": _("A domain of the entity"),
            "unknown": _("Not a known domain of the entity"),
            "free": _("Mail for everybody"),
            "resembles": _("Resembles %(domain)s, and is another domain") % {"domain": self.like},
        }[self.verdict]


@dataclass(frozen=True)
class Check:
    """An item of the checklist. `is_stale`: recorded before the applicant last sent the application."""

    item: str
    label: Any
    note: str = ""
    who: str = ""
    at: datetime | None = None
    is_stale: bool = False
    form: forms.Form | None = None


@dataclass(frozen=True)
class Line:
    """A line of the journal, with the person for whom it holds a number."""

    at: datetime
    words: str
    who: str
    details: str
    hash: str


class Cockpit:
    """One file as `user` sees it. `bound`: a step that was refused, with the form as it was filled in."""

    def __init__(self, membership: Membership, user: Any, bound: tuple[Step, forms.Form] | None = None) -> None:
        self.membership, self.user, self.bound = membership, user, bound
        self.entity = membership.entity

    @cached_property
    def steps(self) -> list[tuple[Step, forms.Form]]:
        """What the person may do now, each once, with its form."""
        return [
            (step, self._form(step))
            for step in STEPS.values()
            if step.is_own_section and step.is_open(self.user, self.membership) and step.is_shown(self.membership)
        ]

    def _form(self, step: Step) -> forms.Form:
        if self.bound and self.bound[0] == step:
            return self.bound[1]
        return step.form(membership=self.membership, prefix=step.name)

    @property
    def clock(self) -> clock.Clock:
        return clock.clock(self.membership)

    @property
    def has_public_page(self) -> bool:
        return self.entity.merged_into_id is None and self.entity.checked_at is not None

    @property
    def age(self) -> int:
        return age_in_days(self.membership)

    @property
    def age_family(self) -> str:
        return age_family(self.membership)

    @cached_property
    def answers(self) -> list[tuple[str, str]]:
        fields = Membership._meta
        wanted = [name for name in ANSWERS if name != "pledge_text" or self.membership.track == "supporter"]
        return [(capfirst(str(fields.get_field(name).verbose_name)), getattr(self.membership, name)) for name in wanted]  # type: ignore[union-attr]

    @cached_property
    def changed_since_return(self) -> list[tuple[str, str, str]]:
        """Answers that differ from those that were last returned: label, before, now."""
        events: Any = Membership.pgh_event_model  # type: ignore[attr-defined]
        returned = events.objects.filter(pgh_obj_id=self.membership.pk, state="returned").order_by(
            "state_since", "pgh_id"
        )
        last = returned.last()
        before = last and returned.filter(state_since=last.state_since).first()
        if before is None or self.membership.state == "returned":
            return []
        return [
            (capfirst(str(Membership._meta.get_field(name).verbose_name)), old, new)  # type: ignore[union-attr]
            for name in ANSWERS
            if (old := getattr(before, name)) != (new := getattr(self.membership, name))
        ]

    @cached_property
    def known_domains(self) -> list[str]:
        website = lookalikes.host(self.entity.website)
        return list(
            dict.fromkeys([*(domain.lower() for domain in self.entity.domains), *([website] if website else [])])
        )

    @cached_property
    def addresses(self) -> list[Address]:
        found = [
            (
                _("Head's office") if self.membership.track == "signatory" else _("Authorised officer"),
                self.membership.head_email,
            )
        ]
        if self.membership.owner:
            found.insert(0, (_("Focal point"), self.membership.owner.email))
        return [self._judged(whose, email) for whose, email in found if email]

    def _judged(self, whose: str, email: str) -> Address:
        domain = actions.email_domain(email)
        if domain in lookalikes.FREE_MAIL:
            return Address(whose, email, "free")
        if any(domain == known or domain.endswith(f".{known}") for known in self.known_domains):
            return Address(whose, email, "own")
        for known in self.known_domains:
            if SequenceMatcher(None, domain, known).ratio() >= RESEMBLES:
                return Address(whose, email, "resembles", known)
        return Address(whose, email, "unknown")

    @cached_property
    def look_alikes(self) -> list[Entity]:
        name = self.entity.official_name_en or self.entity.official_name
        found = lookalikes.find(name, domains=self.entity.domains, country=self.entity.country_id)
        return [entity for entity in found if entity.pk != self.entity.pk]

    @cached_property
    def previous_names(self) -> list[tuple[str, datetime]]:
        """Official names that the entity had on this portal, in any language, and when each came up; the newest first."""
        events: Any = Entity.pgh_event_model  # type: ignore[attr-defined]
        columns = [f"official_name_{column}" for column in vocabularies.COLUMNS.values()]
        now = {getattr(self.entity, column) for column in columns}
        rows = (
            events.objects.filter(pgh_obj_id=self.entity.pk).order_by("pgh_id").values_list("pgh_created_at", *columns)
        )
        seen: dict[str, datetime] = {}
        for at, *names in rows:
            for name in names:
                if name and name not in now:
                    seen.setdefault(name, at)
        return sorted(seen.items(), key=lambda pair: pair[1], reverse=True)

    @cached_property
    def mandates(self) -> list[Mandate]:
        """Who signs and who acts for the entity today; roles that were only asked for are among them."""
        return list(
            Mandate.objects.holding()
            .filter(entity=self.entity)
            .select_related("user", "delegated_by")
            .order_by("role", "pk")
        )

    @cached_property
    def new_head(self) -> Mandate | None:
        """Of an active signatory: who holds the office today and has not reaffirmed yet."""
        asks = self.membership.state == "active" and permissions.can_manage_asking(self.user, self.membership)
        return ceremony.new_head(self.membership) if asks else None

    @property
    def heads(self) -> list[Mandate]:
        return [mandate for mandate in self.mandates if mandate.role in {"head", "delegate"}]

    @cached_property
    def checks(self) -> list[Check]:
        may = permissions.can_review(self.user, self.membership)
        return [
            Check(item, label, form=self._check_form(item) if may else None, **self._recorded(item))
            for item, label in CHECK_LABELS.items()
        ]

    def _recorded(self, item: str) -> dict[str, Any]:
        told = self.membership.checklist.get(item)
        if told is None:
            return {}
        at, sent = datetime.fromisoformat(told["at"]), self.membership.submitted_at
        is_stale = sent is not None and at < sent.replace(microsecond=0)
        return {"note": told["note"], "who": self.person(told["by"]), "at": at, "is_stale": is_stale}

    def _check_form(self, item: str) -> forms.Form:
        step = STEPS["check"]
        if self.bound and self.bound[0] == step and self.bound[1].data.get("check-item") == item:
            return self.bound[1]
        return CheckForm(membership=self.membership, prefix=step.name, initial={"item": item}, auto_id=f"{item}-%s")

    @cached_property
    def invitations(self) -> list[tuple[Invitation, forms.Form | None]]:
        """With the button that records a bounce, where that can be."""
        step = STEPS["bounce"]
        may = step.is_open(self.user, self.membership)
        return [
            (invitation, self._bounce_form(step, invitation) if may and invitation.delivery != "bounced" else None)
            for invitation in self.membership.invitations.select_related("mandate")
        ]

    def _bounce_form(self, step: Step, invitation: Invitation) -> forms.Form:
        return step.form(
            membership=self.membership,
            prefix="bounce",
            initial={"invitation": invitation.pk},
            auto_id=f"bounce-{invitation.pk}-%s",
        )

    @cached_property
    def signatures(self) -> list[Signature]:
        rows = self.membership.signatures.select_related("letter", "recorded_by", "countersigned_by")
        return list(rows.defer("private").order_by("-pk"))

    @cached_property
    def proposal(self) -> dict[str, Any] | None:
        told = self.membership.proposed_end
        if not told:
            return None
        ends = dict(Membership.State.choices)
        return {
            "end": ends[told["end"]],
            "who": self.person(told["by"]),
            "reason": told["reason"],
            "is_mine": told["by"] == self.user.pk,
        }

    @cached_property
    def journal(self) -> list[Line]:
        return [self._line(entry, facts) for entry, facts in self._entries]

    def _line(self, entry: Any, facts: dict[str, Any]) -> Line:
        known = {"event", "at", "membership", "entity", "account", "state"}
        details = "; ".join(f"{name}: {value}" for name, value in facts.items() if name not in known)
        return Line(entry.at, event_label(entry.event), self.person(facts.get("account")), details, entry.hash)

    @cached_property
    def _entries(self) -> list[tuple[Any, dict[str, Any]]]:
        return [(entry, read_payload(entry.payload)) for entry in self.membership.journal.order_by("-pk")]

    @cached_property
    def _people(self) -> dict[int, str]:
        wanted = {facts.get("account") for _entry, facts in self._entries}
        wanted |= {told["by"] for told in self.membership.checklist.values()} | {self.membership.proposed_end.get("by")}
        return {user.pk: str(user) for user in User.objects.filter(pk__in=wanted - {None})}

    def person(self, number: int | None) -> str:
        return self._people.get(number or 0, "")


def read_payload(payload: str) -> dict[str, Any]:
    """Of a journal line; empty for a line that was changed from outside: verify_registry names it."""
    try:
        facts = json.loads(payload)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
