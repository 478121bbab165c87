"""The Coalition's back office: who may do what with a file, four eyes, each button once, signatures made on paper."""

import io
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from coalition import actions, ceremony, certificates, cockpit, journal, permissions, recording, verification
from coalition.groups import load_groups
from coalition.models import Initiative, JournalEntry, Letter, LetterText, Mandate, Membership, Pledge, Round, Signature
from ewaste_portal.models import User
from tests.coalition.certified import make_key
from tests.coalition.factories import application, approved, in_review, published_letter
from tests.factories import EntityFactory, UserFactory
from tests.pages import read

pytestmark = pytest.mark.django_db

LIST = "/admin/coalition/membership/"


def pdf() -> bytes:
    """The smallest file that opens as a PDF of one page."""
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 200)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def scan(name: str = "scan of the letter.pdf", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or pdf(), content_type="application/pdf")


def member(group: str) -> User:
    load_groups()
    user: User = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reviewer() -> User:
    return member(permissions.REVIEWERS)


@pytest.fixture
def countersigner() -> User:
    return member(permissions.COUNTERSIGNERS)


def page(user: User, membership: Membership) -> Any:
    return client_of(user).get(f"{LIST}{membership.pk}/change/")


def step(user: User, membership: Membership, name: str, **data: Any) -> Any:
    fields = {f"{name}-{field}": value for field, value in data.items()}
    return client_of(user).post(f"{LIST}{membership.pk}/step/{name}/", fields)


def steps(user: User, membership: Membership) -> list[str]:
    """The buttons of the page, as they stand there."""
    return re.findall(r'name="step" value="([^"]+)"', page(user, membership).content.decode())


def state(membership: Membership) -> str:
    return Membership.objects.values_list("state", flat=True).get(pk=membership.pk)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def recorded(membership: Membership, by: User, **given: Any) -> Signature:
    head = Mandate.objects.get(entity=membership.entity, role="head")
    facts = {"mandate": head, "method": "wet-ink", "signed_on": timezone.localdate(), "scan": scan(), **given}
    return recording.record_signature(membership=membership, by=by, **facts)


@pytest.fixture(autouse=True)
def one_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications of these tests go to one published letter, whose version is unique."""
    original = published_letter

    def once(*args: Any, **fields: Any) -> Letter:
        return Letter.objects.filter(published_at__isnull=False).first() or original(*args, **fields)

    monkeypatch.setattr("tests.coalition.factories.published_letter", once)


# Who may do what -----------------------------------------------------------------------------------------


def test_reviewer_and_countersigner_see_their_own_buttons_each_once(reviewer: User, countersigner: User) -> None:
    reviewing = in_review()
    asked = approved()
    signed = approved()
    recorded(signed, UserFactory())
    active = approved(letter=Letter.objects.first())
    actions.countersign(membership=recorded(active, UserFactory()).membership, by=UserFactory())
    suspended = approved(letter=Letter.objects.first())
    actions.countersign(membership=recorded(suspended, UserFactory()).membership, by=UserFactory())
    actions.suspend(membership=suspended, by=UserFactory(), reason="Wait.")

    files = (reviewing, asked, signed, active, suspended)
    assert [steps(reviewer, file) for file in files] == [
        ["approve", "return", "propose-rejection"], ["invite", "record", "back"], ["propose-rejection"],
        ["reaffirm", "withdrawal"], ["withdrawal", "propose-removal"],
    ]  # fmt: skip
    assert [steps(countersigner, file) for file in files] == [
        ["propose-rejection"], [], ["countersign", "propose-rejection"], ["suspend"], ["reinstate", "propose-removal"],
    ]  # fmt: skip


def test_stranger_to_the_groups_sees_no_file(reviewer: User) -> None:
    membership = in_review()
    clerk = UserFactory(is_staff=True)

    assert page(clerk, membership).status_code == 403
    assert client_of(clerk).get(LIST).status_code == 403
    assert page(reviewer, membership).status_code == 200


def test_a_step_of_others_is_refused_whatever_is_posted(reviewer: User, countersigner: User) -> None:
    membership = in_review()
    clerk = UserFactory(is_staff=True)

    assert step(countersigner, membership, "return", reason="No.").status_code == 403
    assert step(clerk, membership, "return", reason="No.").status_code == 403
    assert state(membership) == "review"
    assert step(reviewer, membership, "return", reason="Name the Head.").status_code == 302
    assert state(membership) == "returned"


def test_a_step_is_only_taken_by_post(reviewer: User) -> None:
    membership = in_review()

    assert client_of(reviewer).get(f"{LIST}{membership.pk}/step/return/").status_code == 405
    assert client_of(reviewer).post(f"{LIST}{membership.pk}/step/nothing/").status_code == 404
    assert state(membership) == "review"


def test_nobody_adds_deletes_or_edits_a_file(admin_client: Client) -> None:
    membership = in_review()

    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{membership.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(f"{LIST}{membership.pk}/change/", {"head_name": "Somebody Else", "state": "active"})
    membership.refresh_from_db()
    assert (membership.head_name, membership.state) == ("Amina Example", "review")


# From review to the end -----------------------------------------------------------------------------------


def test_reviewer_ticks_the_list_and_approves(reviewer: User, django_capture_on_commit_callbacks: Any) -> None:
    membership, letter = in_review(), published_letter()
    too_early = step(reviewer, membership, "approve", letter=letter.pk, sign_by="2099-01-01")
    for item in actions.CHECKS:
        step(reviewer, membership, "check", item=item, note=f"Done: {item}")
    with django_capture_on_commit_callbacks(execute=True):
        response = step(reviewer, membership, "approve", letter=letter.pk, sign_by="2099-01-01")

    assert too_early.status_code == 422
    assert "checklist is not complete" in said(too_early)[0]
    assert response.status_code == 302
    membership.refresh_from_db()
    assert (membership.state, membership.sign_by, membership.reviewed_by) == ("signing", date(2099, 1, 1), reviewer)
    assert [message.to for message in mail.outbox if "minister@ministry.example.org" in message.to]


def test_a_refused_step_keeps_what_was_typed(reviewer: User) -> None:
    membership = in_review()

    response = step(reviewer, membership, "approve", letter="", sign_by="2000-01-01")

    content = response.content.decode()
    assert response.status_code == 422
    assert "Choose a day in the future." in content
    assert 'value="2000-01-01"' in content
    assert state(membership) == "review"


def test_rejection_takes_two(reviewer: User, countersigner: User) -> None:
    membership = in_review()
    step(reviewer, membership, "propose-rejection", reason="Sanctioned.")
    membership.refresh_from_db()

    assert "confirm-end" not in steps(reviewer, membership)
    assert step(reviewer, membership, "confirm-end").status_code == 403
    assert "confirm-end" in steps(countersigner, membership)
    assert step(countersigner, membership, "confirm-end").status_code == 302
    membership.refresh_from_db()
    assert (membership.state, membership.reason) == ("rejected", "Sanctioned.")


def test_a_proposal_dies_when_the_file_moves_on(reviewer: User, countersigner: User) -> None:
    membership = in_review()
    step(reviewer, membership, "propose-rejection", reason="Sanctioned.")
    step(reviewer, membership, "return", reason="Explain.")
    membership.refresh_from_db()
    actions.submit(membership=membership, by=membership.owner)

    assert steps(countersigner, membership) == ["propose-rejection"]


def test_who_reviewed_or_recorded_may_not_countersign(countersigner: User) -> None:
    both = User.objects.create_superuser("both@example.org")
    membership = approved(reviewer=both)
    signature = recorded(membership, UserFactory())
    other = approved()
    recorded(other, both)

    assert "countersign" not in steps(both, membership)
    assert "countersign" not in steps(both, other)
    assert step(both, membership, "countersign").status_code == 403
    with pytest.raises(ValidationError):
        actions.countersign(membership=membership, by=both)
    assert step(countersigner, membership, "countersign").status_code == 302
    signature.refresh_from_db()
    assert (signature.countersigned_by, state(membership)) == (countersigner, "active")


def test_a_colleague_who_was_faster_is_told_of(reviewer: User) -> None:
    membership = in_review()
    actions.return_to_applicant(membership=membership, by=UserFactory(), reason="Name the Head.")

    response = step(reviewer, membership, "return", reason="Name the Head.")

    assert response.status_code == 422
    assert "Returned for changes" in said(response)[0]


def test_removal_is_confirmed_by_another_countersigner(reviewer: User, countersigner: User) -> None:
    membership = approved()
    recorded(membership, UserFactory())
    actions.countersign(membership=membership, by=UserFactory())
    step(countersigner, membership, "suspend", reason="Doubts.")
    step(countersigner, membership, "propose-removal", reason="Proven.")
    membership.refresh_from_db()

    assert "confirm-end" not in steps(countersigner, membership)
    assert "confirm-end" not in steps(reviewer, membership)
    step(member(permissions.COUNTERSIGNERS), membership, "confirm-end")
    assert state(membership) == "removed"


def test_invitation_is_sent_again_and_taken_back(reviewer: User, django_capture_on_commit_callbacks: Any) -> None:
    membership = approved()
    mail.outbox.clear()

    with django_capture_on_commit_callbacks(execute=True):
        step(reviewer, membership, "invite")
    sent = [message.to for message in mail.outbox]
    alive = membership.invitations.alive().count()
    step(reviewer, membership, "back", reason="Wrong Head.")

    assert (sent, alive, membership.invitations.count()) == ([["minister@ministry.example.org"]], 1, 2)
    assert state(membership) == "review"
    assert not membership.invitations.alive().exists()


def test_lapsed_file_is_reopened_unless_another_is_open(reviewer: User) -> None:
    membership = application()
    actions.lapse(membership=membership)
    other = actions.begin(entity=membership.entity, by=membership.owner)

    refused = step(reviewer, membership, "reopen")
    actions.lapse(membership=other)
    step(reviewer, membership, "reopen")

    assert said(refused) == ["This entity already has an application or membership of this kind."]
    assert state(membership) == "draft"


def test_staff_record_that_a_mail_came_back(reviewer: User) -> None:
    membership, foreign = approved(), approved()

    step(reviewer, membership, "bounce", invitation=membership.invitations.get().pk)
    step(reviewer, membership, "bounce", invitation=foreign.invitations.get().pk)

    assert membership.invitations.get().delivery == "bounced"
    assert foreign.invitations.get().delivery != "bounced"
    assert JournalEntry.objects.filter(event="invitation came back").count() == 1


# What the page tells ------------------------------------------------------------------------------------------


def test_page_judges_mail_addresses_against_the_entitys_domains(reviewer: User) -> None:
    entity = EntityFactory(domains=["unep.org"], website="https://www.unenvironment.example/en")
    cases = {
        "a@unep.org": "own", "a@mail.unep.org": "own", "a@unenvironment.example": "own", "a@gmail.com": "free",
        "a@unepp.org": "resembles", "a@other.example": "unknown", "a@notunep.org": "resembles",
    }  # fmt: skip
    membership = in_review(entity=entity)

    view = cockpit.Cockpit(membership, reviewer)

    assert {email: view._judged("", email).verdict for email in cases} == cases


def test_page_shows_look_alikes_previous_names_and_what_changed_since_the_return(reviewer: User) -> None:
    EntityFactory(official_name_en="Ministry of Environment of Example", slug="twin")
    entity = EntityFactory(official_name_en="Ministry of Environment of Exampla")
    membership = in_review(entity=entity)
    entity.official_name_en = "Ministry of the Environment of Exampla"
    entity.save()
    actions.return_to_applicant(membership=membership, by=reviewer, reason="Say more.")
    membership.refresh_from_db()
    actions.answer(membership=membership, by=membership.owner, work="Collects and recycles e-waste.")
    actions.submit(membership=membership, by=membership.owner)

    response = page(reviewer, membership)

    view = response.context["cockpit"]
    assert [found.slug for found in view.look_alikes] == ["twin"]
    assert [name for name, _at in view.previous_names] == ["Ministry of Environment of Exampla"]
    assert view.changed_since_return == [("Work on e-waste", "Collects e-waste.", "Collects and recycles e-waste.")]
    assert "<del>Collects e-waste.</del>" in response.content.decode()


def test_a_check_recorded_before_the_last_changes_says_so(reviewer: User) -> None:
    membership = in_review()
    step(reviewer, membership, "check", item="call-back", note="Spoke to the office.")
    fresh = cockpit.Cockpit(Membership.objects.get(pk=membership.pk), reviewer).checks
    Membership.objects.filter(pk=membership.pk).update(submitted_at=timezone.now() + timedelta(hours=1))
    stale = cockpit.Cockpit(Membership.objects.get(pk=membership.pk), reviewer).checks

    assert [check.item for check in fresh if check.at] == ["call-back"]
    assert [(check.note, check.who, check.is_stale) for check in fresh if check.at] == [
        ("Spoke to the office.", str(reviewer), False)
    ]
    assert [check.is_stale for check in stale if check.at] == [True]


def test_age_wears_the_colour_of_its_class() -> None:
    now = timezone.now()

    def family(state: str, days: int, **facts: Any) -> str:
        return cockpit.age_family(Membership(state=state, state_since=now - timedelta(days=days), **facts))

    assert [family("review", days) for days in (0, 7, 8, 14, 15)] == [
        "success",
        "success",
        "warning",
        "warning",
        "danger",
    ]
    assert family("active", 400) == "quiet"
    assert family("signing", 3, sign_by=timezone.localdate() - timedelta(days=1)) == "danger"


def test_names_from_outside_are_escaped(reviewer: User) -> None:
    entity = EntityFactory(official_name_en="<script>alert(1)</script>")
    membership = in_review(entity=entity, head_name="<img src=x onerror=alert(2)>", work="</td><b>bold</b>")

    content = page(reviewer, membership).content.decode() + client_of(reviewer).get(LIST).content.decode()

    assert "<script>alert(1)" not in content
    assert "<img src=x" not in content
    assert "<b>bold</b>" not in content


def test_page_carries_no_secret_address_and_no_private_evidence(
    reviewer: User, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = approved()
    tokens = re.findall(r"/([\w-]{43})/", " ".join(str(message.body) for message in mail.outbox))

    content = page(reviewer, membership).content.decode()

    assert tokens
    assert not [secret for secret in tokens if secret in content]
    assert membership.invitations.get().token_sha256 not in content


# After the signature ------------------------------------------------------------------------------------------


def active(reviewed: User | None = None) -> Membership:
    membership = approved(reviewer=reviewed)
    actions.countersign(membership=recorded(membership, UserFactory()).membership, by=UserFactory())
    membership.refresh_from_db()
    return membership


def reaffirm(membership: Membership) -> Signature:
    """By the Head of today, to whom an invitation was sent."""
    invitation = (
        membership.invitations.alive().select_related("membership__entity", "membership__letter", "mandate").get()
    )
    prepared = ceremony.prepare(invitation, language="en")
    name = invitation.mandate.name
    return ceremony.sign(invitation, sealed=prepared.sealed, code_was_checked=True, typed_name=name)


@pytest.mark.parametrize(("name", "purpose"), [("reaffirm", "reaffirmation"), ("withdrawal", "withdrawal")])
def test_staff_ask_send_again_and_take_back(
    reviewer: User, countersigner: User, django_capture_on_commit_callbacks: Any, name: str, purpose: str
) -> None:
    membership = active()
    mail.outbox.clear()

    with django_capture_on_commit_callbacks(execute=True):
        asked = step(reviewer, membership, name)
        again = step(reviewer, membership, name)
        offered = steps(reviewer, membership)
        sent_again = step(reviewer, membership, "invite")
    waiting = membership.invitations.alive().get()
    taken = step(reviewer, membership, "take-back")

    assert [asked.status_code, again.status_code, sent_again.status_code, taken.status_code] == [302, 422, 302, 302]
    assert "waits for the Head" in said(again)[0]
    assert offered == ["invite", "take-back"]
    assert [message.to for message in mail.outbox].count(["minister@ministry.example.org"]) == 2
    assert waiting.purpose == purpose
    assert not membership.invitations.alive().exists()
    assert steps(reviewer, membership) == ["reaffirm", "withdrawal"]
    assert step(reviewer, membership, "take-back").status_code == 422
    assert step(reviewer, membership, "invite").status_code == 422
    assert step(countersigner, membership, name).status_code == 403


def test_who_is_not_an_active_signatory_of_ours_is_asked_for_nothing(reviewer: User) -> None:
    entity = EntityFactory()
    known = Membership.objects.create(
        entity=entity, origin="recorded", state="active", state_since=timezone.now(), recorded_on=date(2018, 3, 21),
        source_url="https://example.org/",
    )  # fmt: skip
    asked = approved()

    assert steps(reviewer, known) == []
    assert [step(reviewer, file, "reaffirm").status_code for file in (known, asked)] == [403, 403]


def test_reaffirmation_is_countersigned_by_other_eyes_and_gets_its_certificate(
    reviewer: User, countersigner: User, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    make_key(settings, tmp_path)
    both = User.objects.create_superuser("both@example.org")
    membership = active(reviewed=both)
    assert "countersign" not in steps(countersigner, membership)
    ceremony.ask_head(membership=membership, by=reviewer, purpose="reaffirmation")
    signature = reaffirm(membership)

    assert Membership.objects.waiting_for_staff().get() == membership
    waiting = client_of(countersigner).get(LIST + "?state__exact=active&waits=yes").content.decode()
    assert f"/membership/{membership.pk}/change/" in waiting
    assert "Reaffirmations to countersign" in client_of(countersigner).get("/admin/").content.decode()
    assert [steps(user, membership) for user in (countersigner, both)] == [
        ["countersign", "suspend"],
        ["reaffirm", "withdrawal", "suspend"],
    ]
    assert step(both, membership, "countersign").status_code == 403
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        done = step(countersigner, membership, "countersign")

    signature.refresh_from_db()
    html = page(countersigner, membership).content.decode()
    assert (done.status_code, signature.countersigned_by, state(membership)) == (302, countersigner, "active")
    assert f"/coalition/verify/{signature.code}/certificate.pdf" in html
    certificate: Any = Client().get(f"/en/coalition/verify/{signature.code}/certificate.pdf")
    assert certificate.getvalue().startswith(b"%PDF-")
    assert [message.to for message in mail.outbox] == [[membership.owner.email]]
    assert "is listed" in mail.outbox[0].subject
    assert "countersign" not in steps(countersigner, membership)
    assert not Membership.objects.waiting_for_staff().exists()
    assert "Reaffirmed by" in Client().get(signature.get_absolute_url()).content.decode()


def test_who_recorded_the_new_head_may_not_countersign_the_reaffirmation(countersigner: User) -> None:
    both = User.objects.create_superuser("both@example.org")
    membership = active()
    today = timezone.localdate()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), today))
    Mandate.objects.create(
        entity=membership.entity, role="head", name="New Head", title="Minister", email="new@example.org",
        during=(today, None), confirmed_at=timezone.now(), confirmed_by=both, confirmed_how="recorded by staff",
    )  # fmt: skip
    assert "New Head" in page(both, membership).content.decode().split("has not reaffirmed")[0]
    ceremony.ask_head(membership=membership, by=both, purpose="reaffirmation")
    reaffirm(membership)

    assert "countersign" not in steps(both, membership)
    with pytest.raises(ValidationError):
        actions.countersign(membership=membership, by=both)
    assert "has not reaffirmed" not in page(both, membership).content.decode()
    assert step(countersigner, membership, "countersign").status_code == 302


# Made on paper ------------------------------------------------------------------------------------------------


def test_signature_on_paper_is_recorded_with_scan_and_countersigned_by_another(
    reviewer: User, countersigner: User
) -> None:
    membership = approved()
    head = Mandate.objects.get(entity=membership.entity, role="head")
    content = pdf()

    response = step(
        reviewer, membership, "record",
        mandate=head.pk, method="wet-ink", signed_on=timezone.localdate().isoformat(), scan=scan(content=content),
    )  # fmt: skip

    signature = Signature.objects.get(membership=membership)
    evidence = json.loads(signature.evidence)
    assert response.status_code == 302, said(response)
    assert (state(membership), signature.recorded_by, signature.nonce) == ("signed", reviewer, None)
    with signature.scan.open() as stored:
        assert stored.read() == content
    assert evidence["scan_sha256"] == signature.scan_sha256
    assert journal.canonical(evidence) == signature.evidence
    assert signature.text_sha256 == membership.letter.texts.get(language="en").sha256
    assert not membership.invitations.alive().exists()
    assert "scan of the letter" not in signature.scan.name
    assert steps(reviewer, membership) == ["propose-rejection"]
    assert step(countersigner, membership, "countersign").status_code == 302
    assert verification.audit().faults == []


def test_audit_misses_the_journal_line_of_a_recorded_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording.journal, "write", lambda *args, **facts: None)
    signature = recorded(approved(), UserFactory())

    assert verification.audit().faults == [f"{signature.code}: the journal does not tell of it."]


@pytest.mark.parametrize("method", ["wet-ink", "qualified-signature"])
def test_of_a_recorded_signature_the_day_alone_is_shown(
    client: Client,
    method: str,
    settings: Any,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    make_key(settings, tmp_path)
    membership, day = approved(), timezone.localdate()
    with django_capture_on_commit_callbacks(execute=True):
        signature = recorded(membership, UserFactory(), method=method, signed_on=day)
    mails = [message.body for message in mail.outbox if "Amina Example, Minister" in message.body]
    actions.countersign(membership=membership, by=UserFactory())

    facts = certificates._face(signature, "Text.", "en", certificates.Head.now(), "https://example.org/")["facts"]
    html = read(client.get(signature.get_absolute_url())).one("main")

    written = date_format(day, "DATE_FORMAT")
    assert {fact["label"]: fact["value"] for fact in facts}["Day of signature"] == certificates.day(day)
    assert "Date and time" not in {fact["label"] for fact in facts}
    assert len(mails) == 2  # the applicant and the secretariat
    assert all(f"on {written} (UTC)" in body for body in mails)
    assert {time["datetime"] for time in html.all("time") if time.text == written} >= {day.isoformat()}
    assert [shown for shown in (str(facts), html.text, *mails) if "00:00" in shown or "midnight" in shown] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signed_on": date(2099, 1, 1)}, "future"),
        ({"signed_on": date(2020, 1, 1)}, "date of the letter"),
        ({"method": "passkey"}, "handwritten"),
        ({"scan": SimpleUploadedFile("scan.pdf", b"<svg onload=alert(1)>")}, "PNG"),
    ],
)
def test_what_cannot_be_right_is_not_recorded(changes: dict[str, Any], words: str) -> None:
    membership = approved()

    with pytest.raises(ValidationError, match=words):
        recorded(membership, UserFactory(), **changes)

    assert (state(membership), Signature.objects.count()) == ("signing", 0)


def test_mandate_that_ended_or_of_another_entity_is_refused() -> None:
    membership, other = approved(), approved()
    head = Mandate.objects.get(entity=membership.entity, role="head")
    today = timezone.localdate()
    Mandate.objects.filter(pk=head.pk).update(during=(date(2020, 1, 1), today))

    with pytest.raises(ValidationError, match="does not cover"):
        recorded(membership, UserFactory())
    with pytest.raises(ValidationError, match="Choose the Head"):
        recorded(membership, UserFactory(), mandate=Mandate.objects.get(entity=other.entity, role="head"))
    assert recorded(membership, UserFactory(), signed_on=today - timedelta(days=1)).signer_name == "Amina Example"


def test_the_database_keeps_four_eyes_on_a_recorded_signature() -> None:
    membership, by = approved(), UserFactory()
    signature = recorded(membership, by)

    with pytest.raises(IntegrityError), transaction.atomic():
        Signature.objects.filter(pk=signature.pk).update(countersigned_by=by, countersigned_at=timezone.now())


def test_scan_goes_to_staff_alone_and_as_a_download(reviewer: User) -> None:
    signature = recorded(approved(), UserFactory())
    address = reverse("admin:coalition_signature_scan", args=[signature.pk])

    response = client_of(reviewer).get(address)

    assert b"".join(response.streaming_content).startswith(b"%PDF-")
    assert response["Content-Disposition"].startswith("attachment")
    assert client_of(UserFactory(is_staff=True)).get(address).status_code == 403
    assert Client().get(address).status_code == 302


def test_private_evidence_is_shown_to_nobody() -> None:
    signature = recorded(approved(), UserFactory())
    admin = client_of(User.objects.create_superuser("chief@example.org"))

    content = admin.get(f"/admin/coalition/signature/{signature.pk}/change/").content.decode()

    assert signature.evidence_sha256 in content
    assert 'field-private"' not in content


# Letters, mandates, work, journal ------------------------------------------------------------------------------


def test_letter_is_published_after_a_question_and_then_final(countersigner: User, reviewer: User) -> None:
    letter = Letter.objects.create(version="next", title_en="Next letter", dated=date(2026, 2, 1))
    client = client_of(countersigner)
    data = {"action": "publish", "_selected_action": [letter.pk], "confirmed": "yes"}

    asked = client.get(f"/admin/coalition/letter/{letter.pk}/publish/")
    without_text = client.post("/admin/coalition/letter/", data)
    LetterText.objects.create(letter=letter, language="en", body="Words.")
    client_of(reviewer).post("/admin/coalition/letter/", data)
    by_reviewer = Letter.objects.get(pk=letter.pk).published_at
    client.post("/admin/coalition/letter/", data)

    letter.refresh_from_db()
    form = client.get(f"/admin/coalition/letter/{letter.pk}/change/")
    assert asked.status_code == 200
    assert "authentic text" in said(without_text)[0]
    assert by_reviewer is None
    assert letter.published_by == countersigner
    assert 'name="_save"' not in form.content.decode()
    assert "<textarea" not in form.content.decode()
    assert JournalEntry.objects.filter(event="letter published").count() == 1


def test_a_letter_known_from_sources_takes_no_text(countersigner: User) -> None:
    data = {
        "version": "1999", "kind": "historical", "dated": "1999-01-01", "authentic_language": "en", "title_en": "Old letter",
        "source_url": "https://example.org/", "texts-TOTAL_FORMS": "1", "texts-INITIAL_FORMS": "0",
        "texts-0-language": "en", "texts-0-body": "Words.",
    }  # fmt: skip

    response = client_of(countersigner).post("/admin/coalition/letter/add/", data)

    assert "has no text here" in response.content.decode()
    assert not Letter.objects.exists()


def test_staff_record_a_head_and_never_two_on_a_day(reviewer: User) -> None:
    entity, client = EntityFactory(), client_of(reviewer)
    head = {"entity": entity.pk, "role": "head", "name": "Amina Example", "title": "Minister"}
    data = {**head, "during_0": "2026-01-01", "during_1": ""}

    first = client.post("/admin/coalition/mandate/add/", data)
    second = client.post("/admin/coalition/mandate/add/", {**data, "name": "Somebody Else"})
    focal = client.post("/admin/coalition/mandate/add/", {**data, "role": "focal-point", "name": "Somebody Else"})

    assert (first.status_code, second.status_code, focal.status_code) == (302, 200, 200)
    assert "already has a Head" in second.content.decode()
    mandate = Mandate.objects.get()
    assert (mandate.role, mandate.confirmed_by) == ("head", reviewer)
    change = f"/admin/coalition/mandate/{mandate.pk}/change/"
    assert client.post(change, {**data, "title": "Minister of Environment"}).status_code == 302
    assert Mandate.objects.get().title == "Minister of Environment"


def test_roles_are_confirmed_from_the_list(reviewer: User) -> None:
    person = UserFactory(verified=True)
    mandate = actions.request_role(entity=EntityFactory(), by=person)
    client, data = client_of(reviewer), {"action": "confirm", "_selected_action": [mandate.pk]}

    asked = client.post("/admin/coalition/mandate/", data)
    client.post("/admin/coalition/mandate/", {**data, "confirmed": "yes", "how": "Called back."})

    mandate.refresh_from_db()
    assert [row.pk for row in asked.context["items"]] == [mandate.pk]
    assert (mandate.confirmed_by, mandate.confirmed_how) == (reviewer, "Called back.")


def test_submitted_work_is_published_by_whoever_may(reviewer: User, countersigner: User) -> None:
    author = UserFactory()
    initiative = Initiative.objects.create(
        slug="one", entity=EntityFactory(), title_en="One", kind=Initiative._meta.get_field("kind").choices[0][0],
        publication="submitted", created_by=author,
    )  # fmt: skip
    data = {"action": "publish", "_selected_action": [initiative.pk], "confirmed": "yes"}

    client_of(countersigner).post("/admin/coalition/initiative/", data)
    before = Initiative.objects.get().publication
    buttons = client_of(reviewer).get(f"/admin/coalition/initiative/{initiative.pk}/change/").context["steps"]
    client_of(reviewer).post("/admin/coalition/initiative/", data)

    assert [button.name for button in buttons] == ["publish", "return_for_changes", "withdraw"]
    assert (before, Initiative.objects.get().publication) == ("submitted", "published")


def test_journal_is_read_only_and_tells_of_the_last_walk(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    in_review()
    report = verification.Report(at="2026-01-01T02:00:00+00:00", lines=2)
    monkeypatch.setattr(verification, "last_report", lambda: report)

    content = admin_client.get("/admin/coalition/journalentry/").content.decode()

    assert "Registry verified" in content
    assert admin_client.get("/admin/coalition/journalentry/add/").status_code == 403
    entry = JournalEntry.objects.first()
    assert admin_client.get(f"/admin/coalition/journalentry/{entry.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/coalition/journalentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_start_page_counts_what_waits(reviewer: User, countersigner: User) -> None:
    in_review()
    actions.request_role(entity=EntityFactory(), by=UserFactory(verified=True))
    recorded(approved(), UserFactory())
    signed = approved()
    recorded(signed, UserFactory())
    actions.countersign(membership=signed, by=UserFactory())

    waiting = {line.label: line.count for line in client_of(reviewer).get("/admin/").context["waiting"]}

    assert {label: waiting[label] for label in (
        "Applications in review", "Signatures to countersign", "Roles to confirm", "Certificates missing",
        "Initiatives submitted", "Pledges submitted",
    )} == {
        "Applications in review": 1, "Signatures to countersign": 1, "Roles to confirm": 1,
        "Certificates missing": certificates.missing().count(), "Initiatives submitted": 0, "Pledges submitted": 0,
    }  # fmt: skip


def test_lists_ask_no_more_for_more_rows(admin_client: Client, django_assert_max_num_queries: Any) -> None:
    Round.objects.create(slug="one", title_en="Round one", opens_on=date(2026, 1, 1))
    models = (Membership, Signature, Mandate, Letter, Initiative, Pledge, JournalEntry, Round)
    counts: list[list[int]] = []
    for _time in range(2):
        for _row in range(2):
            recorded(approved(), UserFactory())
        row = []
        for model in models:
            with django_assert_max_num_queries(14) as asked:
                assert admin_client.get(f"/admin/coalition/{model._meta.model_name}/").status_code == 200
            row.append(len(asked))
        counts.append(row)

    assert counts[0] == counts[1]


def test_the_cockpit_asks_no_more_for_a_longer_journal(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    membership, by = in_review(), UserFactory()
    address = f"{LIST}{membership.pk}/change/"
    with django_assert_max_num_queries(30) as short:
        admin_client.get(address)
    for number in range(6):
        actions.check(membership=membership, by=by if number % 2 else UserFactory(), item="domain", note="done")
    with django_assert_max_num_queries(30) as long:
        admin_client.get(address)

    assert len(short) == len(long)


def test_groups_share_no_power(reviewer: User, countersigner: User) -> None:
    powers = [user.get_all_permissions() for user in (reviewer, countersigner)]
    acting = [{name for name in each if not name.startswith("coalition.view_")} for each in powers]

    assert acting[0] & acting[1] == set()
    assert "coalition.review_membership" in acting[0]
    assert "coalition.countersign_membership" in acting[1]
