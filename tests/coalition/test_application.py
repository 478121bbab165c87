"""The application and the membership: every act and refusal, both tracks, and what the database refuses by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import Error, connection, transaction
from django.utils import timezone

from coalition import actions, ceremony, journal
from coalition.models import Entity, Invitation, JournalEntry, Mandate, Membership, Round, Signature
from tests.coalition.factories import application, approved, focal_point, in_review, published_letter
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db

STATES = Membership.State.values
ALLOWED = {
    ("draft", "review"), ("draft", "lapsed"), ("review", "returned"), ("returned", "review"), ("returned", "lapsed"),
    ("review", "signing"), ("review", "active"), ("review", "rejected"), ("review", "lapsed"), ("signing", "signed"),
    ("signing", "declined"), ("signing", "lapsed"), ("signing", "review"), ("declined", "signing"), ("lapsed", "signing"),
    ("lapsed", "draft"), ("signed", "active"), ("signed", "rejected"), ("active", "suspended"), ("suspended", "active"),
    ("suspended", "removed"), ("active", "withdrawn"), ("suspended", "withdrawn"),
}  # fmt: skip
HASH = "a" * 64


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """By the database, in its own words."""
    with pytest.raises(Error, match=rule), transaction.atomic():
        yield


@contextmanager
def declined(code: str) -> Iterator[None]:
    """By an action, with a sentence."""
    with pytest.raises(ValidationError) as caught:
        yield
    assert caught.value.error_list[0].code == code
    assert caught.value.messages[0].endswith(".")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def checked(membership: Membership, by: Any = None) -> Membership:
    by = by or UserFactory()
    for item in actions.CHECKS:
        membership = actions.check(membership=membership, by=by, item=item, note="done")
    return membership


def signature(membership: Membership, **fields: Any) -> Signature:
    """As the ceremony writes it, without the ceremony."""
    number = Signature.objects.count()
    facts = {
        "membership": membership, "entity": membership.entity, "letter": membership.letter, "method": "email-code",
        "mandate": Mandate.objects.get(entity=membership.entity, role="head"), "code": f"0000-0000-{number:04d}",
        "signed_on": timezone.localdate(), "signed_at": timezone.now(), "entity_name": "Entity", "signer_name": "Amina Example",
        "evidence": "{}", "evidence_sha256": HASH, "text_sha256": HASH, **fields,
    }  # fmt: skip
    return Signature.objects.create(**facts)


def signed(**fields: Any) -> Membership:
    membership = approved(**fields)
    signature(membership)
    return actions.move(actions.locked(membership, "signing"), "signed", "signed", by=None)


def active(**fields: Any) -> Membership:
    membership = signed(**fields)
    actions.countersign(membership=membership, by=UserFactory())
    membership.refresh_from_db()
    return membership


def suspended(**fields: Any) -> Membership:
    return actions.suspend(membership=active(**fields), by=UserFactory(), reason="Breach.")


def ended(state: str) -> Membership:
    """A membership in one of the five ends."""
    staff, other = UserFactory(), UserFactory()
    if state == "rejected":
        actions.propose_end(membership=(membership := in_review()), by=staff, end="rejected", reason="Excluded.")
        return actions.confirm_end(membership=membership, by=other)
    if state == "removed":
        actions.propose_end(membership=(membership := suspended()), by=staff, end="removed", reason="Breach.")
        return actions.confirm_end(membership=membership, by=other)
    if state == "lapsed":
        return actions.lapse(membership=application())
    if state == "declined":
        membership = approved()
        return ceremony.decline(membership.invitations.get(), reason="Not now.", code_was_checked=True)
    return actions.move(active(), "withdrawn", "withdrawn", by=None, ended_on=timezone.localdate())


def in_state(state: str) -> Membership:
    makers: dict[str, Any] = {
        "draft": application,
        "review": in_review,
        "signing": approved,
        "signed": signed,
        "active": active,
        "suspended": suspended,
        "returned": lambda: actions.return_to_applicant(
            membership=in_review(), by=UserFactory(), reason="Name the Head."
        ),
    }
    return makers[state]() if state in makers else ended(state)


def events(membership: Membership) -> list[str]:
    return list(JournalEntry.objects.filter(membership=membership).order_by("pk").values_list("event", flat=True))


def subjects(mails: list[EmailMessage], to: str) -> list[str]:
    return [mail.subject for mail in mails if mail.to == [to]]


# The database's own table of states ------------------------------------------------------------------


def test_database_allows_what_the_table_allows_and_nothing_else() -> None:
    letter = published_letter()
    ids = {state: in_state_for_sql(state, letter) for state in STATES}
    statement = (
        "UPDATE coalition_membership SET state = %s, reason = 'Because.', sign_by = '2030-01-01', letter_id = %s,"
        " ended_on = CASE WHEN %s IN ('withdrawn', 'removed') THEN current_date END WHERE id = %s"
    )
    taken = set()

    for before, after in product(STATES, STATES):
        if before == after:
            continue
        try:
            with transaction.atomic():
                sql(statement, after, letter.pk, after, ids[before])
                taken.add((before, after))
                transaction.set_rollback(True)
        except Error:
            continue

    assert len(STATES) == 12
    assert taken == ALLOWED


def in_state_for_sql(state: str, letter: Any) -> int:
    """A row that walked to the state along allowed steps, in SQL alone."""
    paths = {
        "draft": "",
        "review": "review",
        "returned": "review returned",
        "signing": "review signing",
        "signed": "review signing signed",
        "active": "review active",
        "suspended": "review active suspended",
        "rejected": "review rejected",
        "lapsed": "lapsed",
        "declined": "review signing declined",
        "withdrawn": "review active withdrawn",
        "removed": "review active suspended removed",
    }
    membership = application()
    for step in paths[state].split():
        sql(
            "UPDATE coalition_membership SET state = %s, reason = 'Because.', sign_by = '2030-01-01', letter_id = %s, ended_on ="
            " CASE WHEN %s IN ('withdrawn', 'removed') THEN current_date END WHERE id = %s",
            step, letter.pk, step, membership.pk,
        )  # fmt: skip
    return int(membership.pk)


@pytest.mark.parametrize("state", [state for state in STATES if state != "draft"])
def test_application_that_does_not_begin_as_a_draft_is_refused(state: str) -> None:
    with refused("An application begins as a draft|membership_|signing_|ended_|adverse_"):
        Membership.objects.create(entity=EntityFactory(), state=state, state_since=timezone.now())


def test_state_changed_by_a_queryset_is_refused_too() -> None:
    with refused("Invalid transition"):
        Membership.objects.filter(pk=application().pk).update(state="active")


# Constraints of models/membership.py, both ways ------------------------------------------------------


def test_every_rule_of_a_membership_is_named_in_this_file() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    rules = [rule.name for model in (Membership, Invitation, Round, Mandate) for rule in model._meta.constraints]

    assert len(rules) > 20
    assert [name for name in rules if name not in source] == []


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("membership_track_is_known", {"track": "friend"}, {"track": "supporter"}),
        ("recorded_membership_has_date_and_source", {"origin": "recorded"}, {"origin": "application"}),
        ("recorded_membership_has_date_and_source", {"recorded_on": date(2019, 4, 1)}, {"recorded_on": None}),
        ("membership_reviewed_when_and_by_whom", {"reviewed_at": timezone.now()}, {"reviewed_at": None}),
        ("ended_membership_has_a_date", {"ended_on": date(2026, 1, 1)}, {"ended_on": None}),
    ],
)
def test_rule_of_a_draft(rule: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    rows = Membership.objects.filter(pk=application().pk)

    with refused(rule):
        rows.update(**bad)
    assert rows.update(**good) == 1


def test_recorded_membership_with_date_and_source_is_taken() -> None:
    entity = EntityFactory()

    with refused("recorded_membership_has_date_and_source"):
        recorded(entity, source_url="")
    assert recorded(entity).is_recorded


def recorded(entity: Entity, **fields: Any) -> Membership:
    facts = {
        "origin": "recorded",
        "state": "active",
        "recorded_on": date(2019, 4, 10),
        "source_url": "https://example.org/",
        **fields,
    }
    return Membership.objects.create(entity=entity, state_since=timezone.now(), **facts)


def test_state_outside_the_list_is_refused() -> None:
    with refused("membership_state_is_known|Invalid transition"):
        sql("UPDATE coalition_membership SET state = 'famous' WHERE id = %s", application().pk)
    with refused("membership_state_is_known"):
        recorded(EntityFactory(), state="famous")


def test_signing_needs_letter_and_deadline() -> None:
    rows = Membership.objects.filter(pk=in_review().pk)

    with refused("signing_has_letter_and_deadline"):
        rows.update(state="signing")
    with refused("signing_has_letter_and_deadline"):
        rows.update(state="signing", letter=published_letter("a"))
    assert rows.update(state="signing", letter=published_letter("b"), sign_by=date(2030, 1, 1)) == 1


def test_supporter_never_signs() -> None:
    rows = Membership.objects.filter(pk=in_review(track="supporter").pk)
    letter = published_letter()

    with refused("only_signatories_sign"):
        rows.update(state="signing", letter=letter, sign_by=date(2030, 1, 1))
    assert rows.update(state="active") == 1


@pytest.mark.parametrize("state", ["returned", "rejected"])
def test_adverse_state_needs_a_reason(state: str) -> None:
    rows = Membership.objects.filter(pk=in_review().pk)

    with refused("adverse_state_has_a_reason"):
        rows.update(state=state)
    assert rows.update(state=state, reason="Because.") == 1


def test_withdrawn_needs_a_date() -> None:
    rows = Membership.objects.filter(pk=active().pk)

    with refused("ended_membership_has_a_date"):
        rows.update(state="withdrawn")
    assert rows.update(state="withdrawn", ended_on=date(2026, 1, 1)) == 1


def test_second_open_membership_of_a_track_is_refused_and_other_track_taken() -> None:
    membership = application()

    with refused("one_open_membership_of_a_track"):
        Membership.objects.create(entity=membership.entity, track="signatory", state_since=timezone.now())
    assert Membership.objects.create(entity=membership.entity, track="supporter", state_since=timezone.now()).pk


def test_ended_membership_leaves_room_for_a_new_one() -> None:
    membership = ended("lapsed")

    assert actions.begin(entity=membership.entity, by=membership.owner).state == "draft"


def test_round_closes_after_it_opens() -> None:
    with refused("round_closes_after_it_opens"):
        Round.objects.create(slug="a", title="A", opens_on=date(2026, 2, 1), closes_on=date(2026, 1, 1))
    assert Round.objects.create(slug="b", title="B", opens_on=date(2026, 2, 1), closes_on=date(2026, 2, 1)).pk


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("one_invitation_is_alive", {}),
        ("invitation_keeps_a_hash", {"token_sha256": "secret", "revoked_at": timezone.now()}),
        ("invitation_expires_later", {"expires_at": timezone.now() - timedelta(days=1), "revoked_at": timezone.now()}),
        ("invitation_reminds_at_most_five_times", {"reminder_count": 6, "revoked_at": timezone.now()}),
        ("invitation_used_or_revoked", {"used_at": timezone.now(), "revoked_at": timezone.now()}),
    ],
)
def test_rule_of_an_invitation(rule: str, bad: dict[str, Any]) -> None:
    first = approved().invitations.get()
    facts = {"membership": first.membership, "mandate": first.mandate, "expires_at": timezone.now() + timedelta(days=1)}

    with refused(rule):
        Invitation.objects.create(**{"token_sha256": "b" * 64, **facts, **bad})
    Invitation.objects.filter(pk=first.pk).update(revoked_at=timezone.now())
    assert Invitation.objects.create(**facts, token_sha256="c" * 64, reminder_count=5).pk


# Mandates --------------------------------------------------------------------------------------------


def head(entity: Entity, first: date, last: date | None = None, **fields: Any) -> Mandate:
    return Mandate.objects.create(
        **{"entity": entity, "role": "head", "name": "Head", "during": (first, last), **fields}
    )


def test_two_heads_on_one_day_are_refused_and_in_turn_are_taken() -> None:
    entity = EntityFactory()
    head(entity, date(2020, 1, 1), date(2024, 1, 1))

    with refused("one_head_on_a_day"):
        head(entity, date(2023, 12, 31))
    assert head(entity, date(2024, 1, 1)).pk
    assert head(EntityFactory(), date(2024, 1, 1)).pk


def test_delegate_without_instrument_is_refused() -> None:
    entity = EntityFactory()
    chief = head(entity, date(2020, 1, 1))

    with refused("delegate_has_an_instrument"):
        head(entity, date(2020, 1, 1), role="delegate", delegated_by=chief)
    with refused("delegate_has_an_instrument"):
        head(entity, date(2020, 1, 1), role="delegate", instrument_sha256=HASH)
    assert head(entity, date(2020, 1, 1), role="delegate", delegated_by=chief, instrument_sha256=HASH).pk


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("mandate_role_is_known", {"role": "owner"}),
        ("mandate_lasts_a_day", {"during": (date(2020, 1, 1), date(2020, 1, 1))}),
        ("focal_point_has_an_account", {"role": "focal-point"}),
        ("focal_point_has_an_account", {"role": "assistant"}),
        ("mandate_confirmed_when_and_how", {"confirmed_at": timezone.now()}),
        ("mandate_confirmed_when_and_how", {"confirmed_how": "by telephone"}),
    ],
)
def test_rule_of_a_mandate(rule: str, bad: dict[str, Any]) -> None:
    good = {"user": UserFactory(), "confirmed_at": timezone.now(), "confirmed_how": "by telephone", "role": "assistant"}

    with refused(rule):
        head(EntityFactory(), date(2020, 1, 1), **bad)
    assert head(EntityFactory(), date(2020, 1, 1), **good).pk


def test_same_open_role_twice_is_refused() -> None:
    entity = EntityFactory()
    user = focal_point(entity)

    with refused("one_open_mandate_of_a_role"):
        head(entity, date(2021, 1, 1), role="focal-point", user=user)
    assert head(entity, date(2021, 1, 1), role="assistant", user=user).pk


# The applicant ---------------------------------------------------------------------------------------


def test_begin_opens_a_draft_once() -> None:
    membership = application()

    assert (membership.state, membership.letter, membership.sign_by) == ("draft", None, None)
    with declined("open"):
        actions.begin(entity=membership.entity, by=membership.owner)


def test_submit_goes_to_review_with_mails_and_journal(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = in_review()

    assert membership.state == "review"
    assert membership.submitted_at is not None
    assert events(membership) == ["application begun", "application submitted"]
    assert (
        subjects(mailoutbox, membership.owner.email)[-1]
        == f"The application of {membership.entity.official_name} has arrived"
    )
    assert subjects(mailoutbox, "contact@example.org") == [f"New application: {membership.entity.official_name}"]
    assert journal.verify() == []


@pytest.mark.parametrize("track", ["signatory", "supporter"])
@pytest.mark.parametrize(
    "field", ["work", "head_name", "head_title", "head_email", "exclusions_declared", "pledge_text"]
)
def test_incomplete_application_is_not_submitted(track: str, field: str) -> None:
    membership = application(track=track, **{field: False if field == "exclusions_declared" else " "})

    if (track, field) == ("signatory", "pledge_text"):
        assert actions.submit(membership=membership, by=membership.owner).state == "review"
        return
    with pytest.raises(ValidationError) as caught:
        actions.submit(membership=membership, by=membership.owner)
    assert caught.value.messages == [sentence for _field, sentence in actions.missing(membership)] != []


def test_answers_are_kept_in_draft_and_returned_only() -> None:
    membership = application()

    assert actions.answer(membership=membership, by=membership.owner, work="New.").work == "New."
    actions.submit(membership=membership, by=membership.owner)
    with declined("state"):
        actions.answer(membership=membership, by=membership.owner, work="Newer.")


def test_changed_pledge_has_to_be_confirmed_anew() -> None:
    membership = application(track="supporter")
    actions.confirm_pledge(membership=membership, officer="Ola Example, Director")

    assert actions.answer(membership=membership, by=membership.owner, work="Other.").confirmed_at is not None
    assert actions.answer(membership=membership, by=membership.owner, pledge_text="Other.").confirmed_at is None


def test_file_of_somebody_who_left_passes_to_whoever_answers() -> None:
    membership = application()
    colleague = focal_point(membership.entity)
    Mandate.objects.filter(user=membership.owner).update(during=(date(2020, 1, 1), date(2020, 2, 1)))

    assert actions.answer(membership=membership, by=colleague, work="New.").owner == colleague


# The reviewer ----------------------------------------------------------------------------------------


def test_unknown_item_of_the_checklist_is_refused() -> None:
    with declined("item"):
        actions.check(membership=in_review(), by=UserFactory(), item="charm", note="")


@pytest.mark.parametrize("reason", ["", "  "])
def test_return_needs_a_reason(reason: str) -> None:
    with declined("reason"):
        actions.return_to_applicant(membership=in_review(), by=UserFactory(), reason=reason)


def test_returned_application_can_be_sent_again(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = in_state("returned")

    assert "Name the Head." in mailoutbox[-1].body
    assert actions.submit(membership=membership, by=membership.owner).state == "review"


def test_approval_needs_the_whole_checklist() -> None:
    membership = in_review()
    actions.check(membership=membership, by=UserFactory(), item="domain", note="")

    with declined("checklist"):
        actions.approve(membership=membership, by=UserFactory(), letter=published_letter())


def test_approval_needs_a_published_letter_signed_here() -> None:
    membership = checked(in_review())
    historical = published_letter_known_from_sources()

    with declined("letter"):
        actions.approve(membership=membership, by=UserFactory())
    with declined("letter"):
        actions.approve(membership=membership, by=UserFactory(), letter=historical)


def published_letter_known_from_sources() -> Any:
    return published_letter("old", languages=(), kind="historical", source_url="https://example.org/")


@pytest.mark.parametrize(("entity", "letter"), [(True, False), (False, True)])
def test_demonstration_and_reality_do_not_mix(entity: bool, letter: bool) -> None:
    membership = checked(in_review(entity=EntityFactory(is_example=entity)))

    with declined("example"):
        actions.approve(membership=membership, by=UserFactory(), letter=published_letter(is_example=letter))


def test_approval_invites_the_head_and_tells_the_focal_point(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = approved()

    assert (membership.state, membership.sign_by) == ("signing", timezone.localdate() + timedelta(days=30))
    assert (
        subjects(mailoutbox, membership.owner.email)[-1]
        == f"The application of {membership.entity.official_name} is approved"
    )
    told = [mail.body for mail in mailoutbox if mail.to == [membership.owner.email]]
    assert not any("/sign/" in body for body in told)
    assert len(subjects(mailoutbox, "minister@ministry.example.org")) == 1


def test_approval_makes_an_added_entity_public() -> None:
    entity = EntityFactory(unchecked=True)
    assert entity not in Entity.objects.public()

    approved(entity=entity)

    assert entity in Entity.objects.public()


def test_supporter_is_active_once_officer_has_confirmed() -> None:
    membership = checked(in_review(track="supporter"))

    with declined("unconfirmed"):
        actions.approve(membership=membership, by=UserFactory())
    actions.confirm_pledge(membership=membership, officer="Ola Example, Director")
    assert actions.approve(membership=membership, by=UserFactory()).state == "active"


def test_signatory_has_no_pledge_to_confirm() -> None:
    with declined("track"):
        actions.confirm_pledge(membership=in_review(), officer="Ola Example, Director")


@pytest.mark.parametrize(("state", "end"), [("review", "rejected"), ("signed", "rejected"), ("suspended", "removed")])
def test_adverse_end_needs_two_pairs_of_eyes(state: str, end: str) -> None:
    membership, first, second = in_state(state), UserFactory(), UserFactory()

    with declined("proposal"):
        actions.confirm_end(membership=membership, by=second)
    with declined("reason"):
        actions.propose_end(membership=membership, by=first, end=end, reason="")
    actions.propose_end(membership=membership, by=first, end=end, reason="Excluded.")
    with declined("four-eyes"):
        actions.confirm_end(membership=membership, by=first)
    assert actions.confirm_end(membership=membership, by=second).state == end


def test_reviewer_does_not_countersign_and_a_colleague_does() -> None:
    reviewer, colleague = UserFactory(), UserFactory()
    membership = signed(reviewer=reviewer)

    with declined("four-eyes"):
        actions.countersign(membership=membership, by=reviewer)
    assert actions.countersign(membership=membership, by=colleague).countersigned_by == colleague
    membership.refresh_from_db()
    assert (membership.state, membership.active_since) == ("active", timezone.localdate())


def test_whoever_recorded_a_signature_does_not_countersign_it() -> None:
    clerk, membership = UserFactory(), approved()
    signature(membership, method="wet-ink", scan_sha256=HASH, recorded_by=clerk)
    actions.move(actions.locked(membership, "signing"), "signed", "signed", by=None)

    with declined("four-eyes"):
        actions.countersign(membership=membership, by=clerk)


def test_reaffirmation_is_countersigned_and_the_membership_stays_active() -> None:
    reviewer, colleague = UserFactory(), UserFactory()
    membership = signed(reviewer=reviewer)
    actions.countersign(membership=membership, by=colleague)

    with declined("nothing"):
        actions.countersign(membership=membership, by=colleague)
    again = signature(membership, kind="reaffirmation")
    with declined("four-eyes"):
        actions.countersign(membership=membership, by=reviewer)
    assert actions.countersign(membership=membership, by=colleague) == again
    with declined("nothing"):
        actions.countersign(membership=membership, by=colleague)
    membership.refresh_from_db()
    assert membership.state == "active"


def test_suspension_and_back() -> None:
    membership = active()

    with declined("reason"):
        actions.suspend(membership=membership, by=UserFactory(), reason="")
    membership = actions.suspend(membership=membership, by=UserFactory(), reason="Breach.")
    assert actions.reinstate(membership=membership, by=UserFactory()).state == "active"


# The clock -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["draft", "returned", "review", "signing"])
def test_what_does_not_move_lapses(state: str) -> None:
    membership = actions.lapse(membership=in_state(state))

    assert membership.state == "lapsed"
    assert not membership.invitations.alive().exists()


def test_reopened_file_goes_back_to_where_it_was() -> None:
    staff = UserFactory()
    draft, letter = actions.lapse(membership=application()), actions.lapse(membership=approved())

    assert actions.reopen(membership=draft, by=staff).state == "draft"
    assert actions.reopen(membership=letter, by=staff).state == "signing"
    assert letter.invitations.alive().count() == 1


def test_back_to_review_kills_the_invitation() -> None:
    membership = approved()

    with declined("reason"):
        actions.back_to_review(membership=membership, by=UserFactory(), reason="")
    assert actions.back_to_review(membership=membership, by=UserFactory(), reason="Wrong Head.").state == "review"
    assert not membership.invitations.alive().exists()


ACTS: dict[str, tuple[set[str], Any]] = {
    "submit": ({"draft", "returned"}, lambda m: actions.submit(membership=m, by=m.owner)),
    "answer": ({"draft", "returned"}, lambda m: actions.answer(membership=m, by=m.owner, work="New.")),
    "check": ({"review"}, lambda m: actions.check(membership=m, by=UserFactory(), item="domain", note="")),
    "return": ({"review"}, lambda m: actions.return_to_applicant(membership=m, by=UserFactory(), reason="Why.")),
    "approve": ({"review"}, lambda m: actions.approve(membership=m, by=UserFactory(), letter=published_letter("x"))),
    "propose rejection": (
        {"review", "signed"},
        lambda m: actions.propose_end(membership=m, by=UserFactory(), end="rejected", reason="Why."),
    ),
    "propose removal": (
        {"suspended"},
        lambda m: actions.propose_end(membership=m, by=UserFactory(), end="removed", reason="Why."),
    ),
    "countersign": ({"signed", "active"}, lambda m: actions.countersign(membership=m, by=UserFactory())),
    "suspend": ({"active"}, lambda m: actions.suspend(membership=m, by=UserFactory(), reason="Why.")),
    "reinstate": ({"suspended"}, lambda m: actions.reinstate(membership=m, by=UserFactory())),
    "lapse": ({"draft", "returned", "review", "signing"}, lambda m: actions.lapse(membership=m)),
    "reopen": ({"lapsed", "declined"}, lambda m: actions.reopen(membership=m, by=UserFactory())),
    "back to review": ({"signing"}, lambda m: actions.back_to_review(membership=m, by=UserFactory(), reason="Why.")),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_open_to_its_own_acts_alone(state: str) -> None:
    membership = in_state(state)
    opened = set()

    for name, (_states, act) in ACTS.items():
        try:
            with transaction.atomic():
                act(Membership.objects.get(pk=membership.pk))
                opened.add(name)
                transaction.set_rollback(True)
        except ValidationError as error:
            if error.error_list[0].code != "state":  # the state is open to it; something else is missing
                opened.add(name)

    assert opened == {name for name, (states, _act) in ACTS.items() if state in states}


# People ----------------------------------------------------------------------------------------------


def person(email: str) -> Any:
    return UserFactory(email=email, verified=True)


def test_domain_match_confirms_the_first_focal_point_at_once() -> None:
    entity = EntityFactory(domains=["Ministry.example.org"])

    assert actions.request_role(entity=entity, by=person("a@ministry.example.org")).confirmed_at is not None
    assert actions.request_role(entity=entity, by=person("b@ministry.example.org")).confirmed_at is None


@pytest.mark.parametrize(
    "email", ["a@example.com", "a@sub.ministry.example.org", "a@ministry.example.org.evil.example"]
)
def test_other_domain_waits(email: str) -> None:
    entity = EntityFactory(domains=["ministry.example.org"])

    assert actions.request_role(entity=entity, by=person(email)).confirmed_at is None


def test_address_that_is_not_verified_waits() -> None:
    entity = EntityFactory(domains=["example.org"])

    assert actions.request_role(entity=entity, by=UserFactory()).confirmed_at is None


def test_assistant_always_waits() -> None:
    entity = EntityFactory(domains=["example.org"])

    assert actions.request_role(entity=entity, by=person("a@example.org"), role="assistant").confirmed_at is None


def test_same_request_twice_is_refused() -> None:
    entity, user = EntityFactory(), UserFactory()
    mandate = actions.request_role(entity=entity, by=user)

    with declined("again"):
        actions.request_role(entity=entity, by=user)
    actions.confirm_role(mandate=mandate, by=None, how="by telephone")
    with declined("again"):
        actions.confirm_role(mandate=mandate, by=None, how="by telephone")
    with declined("again"):
        actions.decline_role(mandate=mandate)


def test_request_is_told_to_the_focal_point_else_to_staff(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    entity = EntityFactory()
    with django_capture_on_commit_callbacks(execute=True):
        first = actions.request_role(entity=entity, by=UserFactory())
        actions.confirm_role(mandate=first, by=None, how="by telephone")
        second = actions.request_role(entity=entity, by=UserFactory())

    assert len(subjects(mailoutbox, "contact@example.org")) == 1
    assert subjects(mailoutbox, first.user.email) == [
        f"You now act for {entity.official_name}", f"{second.name} asks to act for {entity.official_name}",
    ]  # fmt: skip
    assert f"/en/coalition/workspace/{entity.slug}/people/" in mailoutbox[-1].body


def test_ended_role_takes_its_invitations_along() -> None:
    membership = approved()

    actions.end_role(mandate=membership.invitations.get().mandate)

    assert not membership.invitations.alive().exists()


# Rounds ----------------------------------------------------------------------------------------------


def a_round(**fields: Any) -> Round:
    return Round.objects.create(**{"slug": "two", "title_en": "Second round", "opens_on": date(2020, 1, 1), **fields})


def test_signatory_nominates_a_newcomer(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    sponsor, newcomer = active(), EntityFactory()
    with django_capture_on_commit_callbacks(execute=True):
        draft = actions.nominate(
            entity=newcomer, by=sponsor.owner, sponsor=sponsor.entity, round=a_round(), email="someone@new.example.org"
        )

    assert (draft.state, draft.nominated_by, draft.owner) == ("draft", sponsor.entity, None)
    assert subjects(mailoutbox, "someone@new.example.org") == [
        f"{sponsor.entity.official_name} nominates {newcomer.official_name} for the Coalition"
    ]


def test_nomination_is_refused_outside_the_round_by_others_and_twice() -> None:
    sponsor, newcomer = active(), EntityFactory()
    closed = a_round(slug="one", closes_on=date(2020, 2, 1))
    facts = {"by": sponsor.owner, "email": "someone@new.example.org"}

    with declined("round"):
        actions.nominate(entity=newcomer, sponsor=sponsor.entity, round=closed, **facts)
    current = a_round()
    with declined("sponsor"):
        actions.nominate(entity=newcomer, sponsor=EntityFactory(), round=current, **facts)
    actions.nominate(entity=newcomer, sponsor=sponsor.entity, round=current, **facts)
    with declined("open"):
        actions.nominate(entity=newcomer, sponsor=sponsor.entity, round=current, **facts)
