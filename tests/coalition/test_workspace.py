"""Joining and the workspace: pages, forms, who may see and change what, the clock, the officer's address."""

import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import IntegrityError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from PIL import Image

from coalition import actions, eligibility, lookalikes, permissions
from coalition.clock import EVENTS, clock, working_days_after
from coalition.forms.workspace import EntityForm, NewEntityForm, on_one_line
from coalition.models import Entity, Mandate, Membership
from coalition.views import workspace as views
from ewaste_portal import vocabularies
from tests.coalition.factories import application, approved, focal_point, in_review
from tests.coalition.test_application import STATES, a_round, active, in_state
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db


def at(name: str, *args: Any) -> str:
    return reverse(f"coalition:{name}", args=args)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())


NEW = {
    "kind": "national-government",
    "official_name_en": "Ministry of Waste",
    "country": "KEN",
    "website": "https://waste.example.org",
}


# The join page ---------------------------------------------------------------------------------------


def test_join_page_publishes_who_signs_for_every_kind(client: Client) -> None:
    page = client.get(at("join"))

    kinds = vocabularies.codes("entity_kind")
    assert set(eligibility.WHO_SIGNS) == set(kinds)
    assert page.content.decode().count('<th scope="row">') == len(kinds)
    assert "The rector, president or vice-chancellor" in words(page)
    assert "a professor, a dean" in words(page)
    assert "This procedure is the portal's own" in words(page)


def test_join_page_for_a_stranger_is_the_same_for_all(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        page = client.get(at("join") + "?q=ministry")

    assert "Cookie" in page["Vary"]  # whoever signs in gets the page anew
    assert page["Cache-Control"] == "public, max-age=60"
    assert page.cookies == {}
    assert 'role="search"' not in page.content.decode().split("<main")[1]


@pytest.mark.parametrize("language", ["ar", "zh-hans", "fr", "ru", "es"])
def test_join_page_speaks(client: Client, language: str) -> None:
    with translation.override(language):
        assert client.get(at("join")).status_code == 200


def test_signed_in_person_sees_entities_of_the_own_domain_first() -> None:
    EntityFactory(official_name_en="Waste Ministry of Elsewhere")
    EntityFactory(official_name_en="Zoo", domains=["waste.example.org"])
    client = signed_in(UserFactory(email="a@waste.example.org", verified=True))

    results = client.get(at("join") + "?q=waste ministry").context["results"]

    assert [entity.official_name for entity in results] == ["Zoo", "Waste Ministry of Elsewhere"]


# Look-alikes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "Ministry of Environment",
        "MINISTRY OF ENVIROMENT",
        "ministère de l'environnement",
        "环境",
        "البيئة",
        "MOEX",
        "moe",
    ],
)
def test_entity_is_found_in_any_language_and_with_a_slip(typed: str) -> None:
    entity = EntityFactory(
        official_name_en="Ministry of Environment",
        official_name_fr="Ministère de l'environnement",
        official_name_zh_hans="环境部",
        official_name_ar="وزارة البيئة",
        short_name_en="MOEX",
    )
    EntityFactory(official_name_en="Bakers' Guild")

    assert list(lookalikes.find(typed)) == [entity]


@pytest.mark.parametrize("typed", ["", "M", "\x00", "%", "'); DROP TABLE x; --"])
def test_nothing_is_found_for_nothing(typed: str) -> None:
    EntityFactory(official_name_en="Ministry of Environment")

    assert list(lookalikes.find(typed)) == []


def test_same_country_comes_before_better_likeness() -> None:
    EntityFactory(official_name_en="Ministry of Environment", country_id="GHA")
    EntityFactory(official_name_en="Ministry of Environment and Forests", country_id="KEN")

    assert [entity.country_id for entity in lookalikes.find("Ministry of Environment", country="KEN")] == ["KEN", "GHA"]


def test_mail_for_everybody_is_no_domain() -> None:
    EntityFactory(official_name_en="Shop", domains=["gmail.com"])

    assert lookalikes.own_domain("a@Gmail.com") == ""
    assert list(lookalikes.find("", domains=["gmail.com"])) == []


def test_merged_entity_is_not_offered() -> None:
    stays = EntityFactory(official_name_en="Ministry of Environment")
    EntityFactory(official_name_en="Ministry of the Environment", merged_into=stays)

    assert list(lookalikes.find("Ministry of Environment")) == [stays]


def test_search_is_two_queries(django_assert_num_queries: Any) -> None:
    for number in range(3):
        EntityFactory(official_name_en=f"Ministry {number}", country_id="KEN")

    with django_assert_num_queries(2):
        assert len([str(entity.country) for entity in lookalikes.find("Ministry")]) == 3


def test_names_are_compared_without_accents() -> None:
    entity = EntityFactory(official_name_en="Agence de l'Écologie", country_id="FRA")

    assert lookalikes.same("agence de l ecologie", [entity], country="FRA") == entity
    assert lookalikes.same("agence de l ecologie", [entity], country="BEL") is None


def test_hints_while_typing_are_json_for_those_signed_in(client: Client) -> None:
    EntityFactory(slug="moe", official_name_en="Ministry of Environment", kind="national-government", country_id="KEN")
    query = {"q": "ministry of envi", "country": "KEN"}

    answer = signed_in(UserFactory()).get(at("look_alikes"), query).json()

    assert client.get(at("look_alikes"), query).status_code == 302

    assert answer == {
        "entities": [
            {"name": "Ministry of Environment", "about": "National government, Kenya", "url": "/en/coalition/join/moe/"}
        ]
    }


def test_hints_are_bounded(rf: RequestFactory) -> None:
    EntityFactory(official_name_en="Ministry of Environment")
    request = rf.get("/", {"q": "ministry"})
    request.user = UserFactory()

    answers = [json.loads(views.look_alikes(request).content)["entities"] for _turn in range(61)]

    assert answers[59]
    assert not answers[60]


# Adding an entity ------------------------------------------------------------------------------------


def test_stranger_is_sent_to_sign_in(client: Client) -> None:
    for address in (at("join_new"), at("join_entity", "x"), at("workspace", "x")):
        assert client.get(address)["Location"] == f"/en/account/login/?next={address}"


def test_entity_is_added_and_its_creator_confirmed_by_domain() -> None:
    user = UserFactory(email="a@waste.example.org", verified=True)

    answer = signed_in(user).post(at("join_new"), {**NEW, "domains": "@Waste.example.org, www.waste.example.org"})

    entity = Entity.objects.get(official_name_en="Ministry of Waste")
    assert answer["Location"] == at("workspace", entity.slug) == "/en/coalition/workspace/ministry-of-waste/"
    assert (entity.domains, entity.checked_at) == (["waste.example.org"], None)
    assert entity not in Entity.objects.public()


def test_look_alike_is_shown_before_anything_is_saved() -> None:
    EntityFactory(official_name_en="Ministry for Waste", country_id="KEN")
    client = signed_in(UserFactory(verified=True))

    page = client.post(at("join_new"), NEW)

    assert "Is it one of these?" in words(page)
    assert "Ministry for Waste" in words(page)
    assert 'value="https://waste.example.org"' in words(page)
    assert Entity.objects.filter(official_name_en="Ministry of Waste").count() == 0
    assert client.post(at("join_new"), {**NEW, "is_new": "on"}).status_code == 302
    assert Entity.objects.filter(official_name_en="Ministry of Waste").count() == 1


def test_duplicate_is_refused_by_the_constraint_with_its_sentence() -> None:
    EntityFactory(official_name_en="ministry of waste ", country_id="KEN")

    page = signed_in(UserFactory(verified=True)).post(at("join_new"), {**NEW, "is_new": "on"})

    assert "An entity of this name is already recorded for this country." in words(page)
    assert "There is a problem" in words(page)
    assert "Ministry of Waste" in words(page)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"official_name_en": ""}, "official_name_en"),
        ({"official_name_en": "x" * 301}, "official_name_en"),
        ({"official_name_en": "\u202e \u200f"}, "official_name_en"),
        ({"kind": "club"}, "kind"),
        ({"country": ""}, "country"),
        ({"country": "XXX"}, "country"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"domains": "gmail.com"}, "domains"),
        ({"domains": "not a domain"}, "domains"),
        ({"domains": ",".join(f"a{n}.example.org" for n in range(11))}, "domains"),
    ],
)
def test_wrong_answer_is_told_beside_its_field_and_kept(change: dict[str, str], field: str) -> None:
    form = NewEntityForm({**NEW, **change})

    assert list(form.errors) == [field]
    assert form[field].value() == change[field]


def test_body_of_the_united_nations_has_no_country() -> None:
    form = NewEntityForm({**NEW, "kind": "un-body"})

    assert form.is_valid()
    assert form.cleaned_data["country"] is None


def test_name_in_the_own_language_is_asked_for_too() -> None:
    with translation.override("ar"):
        form = NewEntityForm({**NEW, "official_name_ar": "وزارة النفايات"})
        entity = form.keep()

    assert list(form.fields)[:3] == ["kind", "official_name_ar", "official_name_en"]
    assert form.fields["official_name_ar"].widget.attrs["dir"] == "rtl"
    assert entity is not None
    assert entity.official_name_ar == "وزارة النفايات"


def test_names_lose_what_hides_in_text() -> None:
    assert on_one_line("Ministry\n of\u202e  Waste\x07\u200b ") == "Ministry of Waste"


def test_markup_in_a_name_is_text() -> None:
    client = signed_in(focal_point(entity := EntityFactory(official_name_en="<script>alert(1)</script>")))

    page = client.get(at("workspace", entity.slug))

    assert "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;alert(1)" in page.content.decode()


def test_slugs_stay_apart() -> None:
    EntityFactory(slug="new-agency")
    forms = [NewEntityForm({**NEW, "official_name_en": name}) for name in ("New Agency", "new", "环境部")]

    slugs = [form.keep().slug for form in forms]

    assert slugs == ["new-agency-2", "new-2", "entity"]


def test_sixth_new_entity_in_an_hour_waits() -> None:
    client = signed_in(UserFactory(verified=True))

    codes = [
        client.post(at("join_new"), {**NEW, "official_name_en": f"{n} {n}", "is_new": "on"}).status_code
        for n in range(6)
    ]

    assert codes == [302] * 5 + [429]


# Asking for a role -----------------------------------------------------------------------------------


def test_request_waits_for_the_focal_point_who_confirms_it(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    entity = EntityFactory()
    chief, person = focal_point(entity), UserFactory(verified=True)

    with django_capture_on_commit_callbacks(execute=True):
        page = signed_in(person).post(at("join_entity", entity.slug), {"role": "assistant"}, follow=True)
    assert "Your request waits for an answer" in words(page)
    assert mailoutbox[-1].to == [chief.email]
    assert signed_in(person).get(at("workspace", entity.slug)).status_code == 404

    mandate = Mandate.objects.get(user=person)
    signed_in(chief).post(at("workspace_people", entity.slug), {"act": "confirm", "mandate": mandate.pk})
    assert signed_in(person).get(at("workspace", entity.slug)).status_code == 200


def test_declined_request_is_told_and_opens_nothing(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    entity = EntityFactory()
    chief, person = focal_point(entity), UserFactory()
    mandate = actions.request_role(entity=entity, by=person)

    with django_capture_on_commit_callbacks(execute=True):
        signed_in(chief).post(at("workspace_people", entity.slug), {"act": "decline", "mandate": mandate.pk})

    assert mailoutbox[-1].to == [person.email]
    assert "declined" in mailoutbox[-1].body
    assert signed_in(person).get(at("workspace", entity.slug)).status_code == 404
    assert not Mandate.objects.waiting().exists()


def test_merged_entity_leads_to_the_one_that_stays() -> None:
    stays = EntityFactory()
    gone = EntityFactory(merged_into=stays)

    assert signed_in(UserFactory()).get(at("join_entity", gone.slug))["Location"] == at("join_entity", stays.slug)


# Who enters ------------------------------------------------------------------------------------------


def addresses(entity: Entity) -> list[str]:
    return [
        at("workspace", entity.slug), at("workspace_profile", entity.slug), at("workspace_people", entity.slug),
        at("workspace_check", entity.slug, "signatory"),
        *(at("workspace_application", entity.slug, "signatory", step) for step in ("entity", "head", "work")),
    ]  # fmt: skip


def test_focal_point_enters_and_strangers_find_nothing() -> None:
    membership = application()
    entity = membership.entity
    elsewhere, staff = focal_point(), UserFactory(is_staff=True, is_superuser=True)
    waiting = UserFactory()
    actions.request_role(entity=entity, by=waiting)

    for address in addresses(entity):
        assert signed_in(membership.owner).get(address).status_code == 200
        for stranger in (elsewhere, staff, waiting):
            assert signed_in(stranger).get(address).status_code == 404
            assert signed_in(stranger).post(address, {"track": "signatory", "work": "Mine."}).status_code == 404


def test_role_that_ended_closes_the_workspace() -> None:
    user = focal_point(entity := EntityFactory())
    Mandate.objects.filter(user=user).update(during=(date(2020, 1, 1), timezone.localdate()))

    assert signed_in(user).get(at("workspace", entity.slug)).status_code == 404


@pytest.mark.parametrize("address", [("fan", "head"), ("signatory", "money"), ("supporter", "head")])
def test_unknown_track_step_or_application_is_not_found(address: tuple[str, str]) -> None:
    membership = application()

    assert (
        signed_in(membership.owner).get(at("workspace_application", membership.entity.slug, *address)).status_code
        == 404
    )


def test_pages_are_kept_by_nobody() -> None:
    membership = application()

    for address in addresses(membership.entity):
        assert "no-store" in signed_in(membership.owner).get(address)["Cache-Control"]


def test_workspace_asks_few_questions(django_assert_max_num_queries: Any) -> None:
    user = focal_point(entity := EntityFactory())
    for _turn in range(5):
        actions.lapse(membership=application(entity, by=user))
    client = signed_in(user)

    with django_assert_max_num_queries(16):
        client.get(at("workspace", entity.slug))


# The application -------------------------------------------------------------------------------------


HEAD = {
    "head_name": "Amina Example",
    "head_title": "Minister",
    "head_email": "office@head.example.org",
    "language": "fr",
}


def test_application_from_start_to_sending(django_capture_on_commit_callbacks: Any) -> None:
    user = focal_point(
        entity := EntityFactory(kind="national-government", country_id="KEN", official_name_en="Ministry of Waste")
    )
    client, where = signed_in(user), lambda step: at("workspace_application", entity.slug, "signatory", step)

    assert client.post(at("workspace", entity.slug), {"track": "signatory"})["Location"] == where("entity")
    assert client.post(where("entity"), {**NEW, "official_name_en": "Ministry of Waste"})["Location"] == where("head")
    assert client.post(where("head"), HEAD)["Location"] == where("work")
    check = client.post(where("work"), {"work": "Collects.", "exclusions_declared": "on"})["Location"]
    page = client.get(check)
    assert "Step 4 of 4" in words(page)
    assert "Before you can send" not in words(page)
    with django_capture_on_commit_callbacks(execute=True):
        sent = client.post(check, follow=True)

    membership = Membership.objects.get()
    assert (membership.state, membership.head_email, membership.language) == ("review", "office@head.example.org", "fr")
    assert "In review since" in words(sent)
    assert "A review usually takes 10 working days." in words(sent)


def test_step_saved_for_later_may_have_gaps_and_is_taken_up_again() -> None:
    membership = application(head_name="", head_title="", head_email="", work="")
    client, entity = signed_in(membership.owner), membership.entity
    address = at("workspace_application", entity.slug, "signatory", "head")

    assert client.post(address, {"head_name": "Amina Example", "language": "en"}).status_code == 200
    later = client.post(address, {"head_name": "Amina Example", "language": "en", "later": "yes"})

    assert later["Location"] == at("workspace", entity.slug)
    assert 'value="Amina Example"' in words(client.get(address))
    assert f'href="{address}">Finish the application.' in words(client.get(at("workspace", entity.slug)))


def test_errors_keep_what_was_typed_and_head_the_page() -> None:
    membership = application()
    address = at("workspace_application", membership.entity.slug, "signatory", "head")

    page = signed_in(membership.owner).post(address, {**HEAD, "head_email": "nowhere", "head_name": "New Name"})

    assert "<title>Error: Your Head" in words(page)
    assert 'href="#id_head_email"' in words(page)
    assert 'value="New Name"' in words(page)
    assert 'value="nowhere"' in words(page)


def test_change_link_returns_to_the_answers() -> None:
    membership = application()
    client, entity = signed_in(membership.owner), membership.entity
    address = at("workspace_application", entity.slug, "signatory", "head")

    page = words(client.get(at("workspace_check", entity.slug, "signatory")))
    assert (
        f'href="{address}?from=check#id_head_name">Change<span class="visually-hidden">: Full name of the Head</span>'
        in page
    )
    assert client.post(f"{address}?from=check", HEAD)["Location"] == at("workspace_check", entity.slug, "signatory")


def test_gaps_are_named_with_a_way_to_each_and_nothing_can_be_sent() -> None:
    membership = application(work="", exclusions_declared=False)
    address = at("workspace_check", membership.entity.slug, "signatory")
    client = signed_in(membership.owner)

    assert "Describe the entity&#x27;s work on e-waste." in words(client.get(address))
    assert "Send the application" not in words(client.get(address))
    client.post(address)
    membership.refresh_from_db()
    assert membership.state == "draft"


@pytest.mark.parametrize("state", [state for state in STATES if state not in {"draft", "returned"}])
def test_only_drafts_and_returned_applications_are_edited(state: str) -> None:
    membership = in_state(state)
    client, entity = signed_in(membership.owner), membership.entity

    for step, answers in (("entity", {**NEW}), ("head", HEAD), ("work", {"work": "New.", "exclusions_declared": "on"})):
        answer = client.post(at("workspace_application", entity.slug, "signatory", step), answers)
        assert answer.status_code in {302, 404}
        assert answer.status_code == 404 or answer["Location"] == at("workspace", entity.slug)
    client.post(at("workspace_check", entity.slug, "signatory"))

    now = Membership.objects.get(pk=membership.pk)
    assert (now.state, now.work, now.head_name) == (state, "Collects e-waste.", "Amina Example")
    assert Entity.objects.get(pk=entity.pk).official_name_en == entity.official_name_en


def test_application_sent_by_a_colleague_meanwhile_is_not_overwritten() -> None:
    membership = application()
    stale = Membership.objects.get(pk=membership.pk)
    actions.submit(membership=membership, by=membership.owner)
    request = RequestFactory().post("/", {})
    request.user = membership.owner
    request._messages = type("Box", (), {"add": lambda *args: None})()

    form = views.WorkForm({"work": "New.", "exclusions_declared": "on"}, instance=stale)
    assert form.is_valid()

    assert views._keep(request, form, stale, "work") is False
    assert Membership.objects.get(pk=membership.pk).work == "Collects e-waste."


def test_head_is_not_written_to_at_the_address_of_who_prepares() -> None:
    membership = application()
    address = at("workspace_application", membership.entity.slug, "signatory", "head")

    page = signed_in(membership.owner).post(address, {**HEAD, "head_email": membership.owner.email.upper()})

    assert "Give an address of the Head&#x27;s office" in words(page)


def test_supporter_is_for_the_private_sector() -> None:
    ministry, maker = EntityFactory(kind="un-body"), EntityFactory(kind="manufacturer", country_id="KEN")

    assert (
        signed_in(focal_point(ministry)).post(at("workspace", ministry.slug), {"track": "supporter"}).status_code == 404
    )
    assert signed_in(focal_point(maker)).post(at("workspace", maker.slug), {"track": "supporter"}).status_code == 302
    assert Membership.objects.get().track == "supporter"


def test_second_application_of_a_kind_is_refused_with_a_sentence() -> None:
    membership = application()

    page = signed_in(membership.owner).post(
        at("workspace", membership.entity.slug), {"track": "signatory"}, follow=True
    )

    assert "This entity already has an application or membership of this kind." in words(page)


# States, clock, delivery -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_clock_and_page(state: str) -> None:
    membership = in_state(state)

    page = words(signed_in(membership.owner).get(at("workspace", membership.entity.slug))).replace("&#x27;", "'")

    assert str(membership.get_state_display()) in page
    assert clock(membership).now in page
    assert clock(membership).next in page


def test_reason_is_shown_when_returned_and_the_heads_own_is_not() -> None:
    returned, refused = in_state("returned"), in_state("declined")

    assert "Name the Head." in words(signed_in(returned.owner).get(at("workspace", returned.entity.slug)))
    assert refused.reason == "Not now."
    assert "Not now." not in words(signed_in(refused.owner).get(at("workspace", refused.entity.slug)))


def test_history_tells_the_applicants_part_only() -> None:
    membership = approved()

    page = words(signed_in(membership.owner).get(at("workspace", membership.entity.slug)))

    assert str(EVENTS["invited"]) in page.replace("&#x27;", "'")
    assert "checked" not in EVENTS
    assert "rejected proposed" not in EVENTS


def test_delivery_of_the_invitation_is_visible_and_never_the_token(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = approved()
    invitation = membership.invitations.get()
    token = (
        next(mail for mail in mailoutbox if mail.to == ["minister@ministry.example.org"])
        .body.split("/sign/")[1]
        .split("/")[0]
    )
    membership.invitations.update(reminder_count=2, opened_at=timezone.now())

    page = words(signed_in(membership.owner).get(at("workspace", membership.entity.slug)))

    assert "Accepted by the mail server" in page
    assert "<dt>Reminders</dt><dd>2" in page
    assert "Not yet" not in page
    assert token not in page
    assert invitation.token_sha256 not in page


def test_refused_mail_says_what_to_do() -> None:
    membership = approved()
    membership.invitations.update(delivery="refused")

    page = words(signed_in(membership.owner).get(at("workspace", membership.entity.slug)))

    assert "Refused by the mail server" in page
    assert "The mail did not reach the Head's office." in page


def test_ten_working_days_are_two_weeks() -> None:
    assert working_days_after(date(2026, 1, 2), 10) == date(2026, 1, 16)
    assert working_days_after(date(2026, 1, 3), 1) == date(2026, 1, 5)


def test_late_review_says_so() -> None:
    membership = in_review()
    Membership.objects.filter(pk=membership.pk).update(state_since=timezone.now() - timedelta(days=30))

    assert "It takes longer than usual." in words(
        signed_in(membership.owner).get(at("workspace", membership.entity.slug))
    )


# Profile ---------------------------------------------------------------------------------------------


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (900, 300), "red").save(out, "PNG")
    return SimpleUploadedFile("logo.png", out.getvalue() + b"<script>alert(1)</script>", "image/png")


def profile(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "un-body",
        "official_name_en": "Entity",
        "website": "",
        "domains": "",
        "logo_permission": "",
        **fields,
    }


def test_profile_keeps_six_languages_and_domains() -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))

    answer = signed_in(user).post(
        at("workspace_profile", entity.slug),
        profile(official_name_ru="Структура", description_es="Una entidad.", domains="a.example.org b.example.org"),
    )

    entity.refresh_from_db()
    assert answer.status_code == 302
    assert (entity.official_name_ru, entity.description_es) == ("Структура", "Una entidad.")
    assert entity.domains == ["a.example.org", "b.example.org"]


def test_logo_needs_permission_and_is_drawn_anew() -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))
    client, address = signed_in(user), at("workspace_profile", entity.slug)

    refused = client.post(address, profile(logo=picture()))
    assert "Record who permitted the use of the logo." in words(refused)
    client.post(address, profile(logo=picture(), logo_permission="The Director, by mail, 2026."))

    entity.refresh_from_db()
    with entity.logo.open() as file, Image.open(file) as image:
        assert (image.format, image.size) == ("PNG", (512, 171))
    assert b"<script" not in Path(entity.logo.path).read_bytes()
    client.post(address, profile(without_logo="on", logo_permission="The Director, by mail, 2026."))
    entity.refresh_from_db()
    assert not entity.logo


POISON = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "pdf": b"%PDF-1.4",
    "gif": b"GIF89a" + b"\0" * 40,
    "empty": b"",
    "broken": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
}


def bomb() -> bytes:
    """A few kilobytes that hold 49 million pixels."""
    out = io.BytesIO()
    Image.new("1", (7000, 7000)).save(out, "PNG")
    return out.getvalue()


def large() -> bytes:
    """A small picture with more than 2 MB behind it."""
    return picture().read() + b"\0" * 2_200_000


@pytest.mark.parametrize("content", [*POISON.values(), bomb(), large()], ids=[*POISON, "bomb", "large"])
def test_poisoned_logo_is_refused(content: bytes) -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))
    logo = SimpleUploadedFile("logo.png", content, "image/png")

    page = signed_in(user).post(at("workspace_profile", entity.slug), profile(logo=logo, logo_permission="Yes."))

    entity.refresh_from_db()
    assert page.status_code == 200
    assert not entity.logo
    assert "logo" in page.context["form"].errors


def test_name_that_a_review_rests_on_stays() -> None:
    membership = in_review(entity=EntityFactory(official_name_en="Entity"))

    signed_in(membership.owner).post(
        at("workspace_profile", membership.entity.slug),
        profile(official_name_en="Other", kind="ngo", official_name_fr="Entité"),
    )

    entity = Entity.objects.get(pk=membership.entity.pk)
    assert (entity.official_name_en, entity.kind, entity.official_name_fr) == ("Entity", "un-body", "Entité")


def test_heading_shows_what_is_stored_while_the_form_is_refused() -> None:
    user = focal_point(entity := EntityFactory(official_name_en="Entity"))

    page = signed_in(user).post(at("workspace_profile", entity.slug), profile(official_name_en="Typed", kind="club"))

    assert '<p class="lead"><bdi>Entity</bdi>' in words(page)
    assert 'value="Typed"' in words(page)


def test_database_refusal_that_is_not_ours_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    form = EntityForm({"website": ""}, instance=EntityFactory(), only=["website"])

    def fail() -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(form, "save", fail)
    with pytest.raises(IntegrityError, match="something else"):
        form.is_valid() and form.keep()


# People ----------------------------------------------------------------------------------------------


def assistant(entity: Entity) -> Any:
    user = UserFactory(verified=True)
    actions.confirm_role(mandate=actions.request_role(entity=entity, by=user, role="assistant"), by=None, how="test")
    return user


def test_assistant_sees_requests_and_cannot_answer_them() -> None:
    entity = EntityFactory()
    focal_point(entity)
    helper, mandate = assistant(entity), actions.request_role(entity=entity, by=UserFactory())
    client = signed_in(helper)

    assert mandate.name in words(client.get(at("workspace_people", entity.slug)))
    for act in ("confirm", "decline", "end"):
        assert client.post(at("workspace_people", entity.slug), {"act": act, "mandate": mandate.pk}).status_code == 404
    mandate.refresh_from_db()
    assert mandate.confirmed_at is None
    assert mandate.during.upper is None


def test_mandate_of_another_entity_is_not_found() -> None:
    entity = EntityFactory()
    other = actions.request_role(entity=EntityFactory(), by=UserFactory())

    for pk in (other.pk, "0", "x", "9" * 30, ""):
        answer = signed_in(focal_point(entity)).post(
            at("workspace_people", entity.slug), {"act": "confirm", "mandate": pk}
        )
        assert answer.status_code == 404


def test_ending_a_role_is_asked_first() -> None:
    user = focal_point(entity := EntityFactory())
    helper = assistant(entity)
    mandate = Mandate.objects.get(user=helper)
    Mandate.objects.filter(pk=mandate.pk).update(during=(date(2020, 1, 1), None))
    client, address = signed_in(user), at("workspace_people", entity.slug)

    assert "End the role of" in words(client.get(f"{address}?end={mandate.pk}"))
    assert signed_in(helper).get(address).status_code == 200
    client.post(address, {"act": "end", "mandate": mandate.pk})
    assert signed_in(helper).get(address).status_code == 404


def test_role_that_began_today_ends_at_once_and_can_be_asked_for_anew() -> None:
    user = focal_point(entity := EntityFactory())
    helper = assistant(entity)
    mandate, address = Mandate.objects.get(user=helper), at("workspace_people", entity.slug)
    assert mandate.during.lower == timezone.localdate()
    assert signed_in(helper).get(address).status_code == 200

    signed_in(user).post(address, {"act": "end", "mandate": mandate.pk})

    assert signed_in(helper).get(address).status_code == 404
    assert not permissions.can_manage(helper, entity)
    assert f"?end={mandate.pk}" not in words(signed_in(user).get(address))
    again = actions.request_role(entity=entity, by=helper, role="assistant")
    actions.confirm_role(mandate=again, by=user, how="by the focal point")
    assert signed_in(helper).get(address).status_code == 200


def test_focal_point_who_began_today_loses_the_role_at_once() -> None:
    entity = EntityFactory(domains=["ministry.example.org"])
    user = UserFactory(email="a@ministry.example.org", verified=True)
    mandate = actions.request_role(entity=entity, by=user)
    assert permissions.is_focal_point(user, entity)

    actions.end_role(mandate=mandate)

    assert not permissions.is_focal_point(user, entity)
    assert not Entity.objects.managed_by(user).exists()


def test_period_decides_about_every_other_day() -> None:
    today = timezone.localdate()
    mandate = Mandate.objects.get(user=focal_point(entity := EntityFactory()))
    head = Mandate.objects.create(
        entity=entity, role="head", name="For a day", during=(today, today + timedelta(days=1))
    )

    def holds(first: date, end: date | None) -> bool:
        Mandate.objects.filter(pk=mandate.pk).update(during=(first, end))
        return Mandate.objects.holding().filter(pk=mandate.pk).exists()

    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    assert not holds(date(2020, 1, 1), today)
    assert holds(date(2020, 1, 1), tomorrow)
    assert holds(yesterday, tomorrow)
    assert holds(today, None)
    assert not holds(tomorrow, None)
    assert Mandate.objects.holding(on=yesterday).filter(pk=mandate.pk).count() == 0
    assert Mandate.objects.holding().filter(pk=head.pk).exists()


# After the signature ---------------------------------------------------------------------------------


def ask(membership: Membership, purpose: str) -> str:
    return at("workspace_ask", membership.entity.slug, purpose)


@pytest.mark.parametrize(
    ("purpose", "sentences"),
    [
        (
            "reaffirmation",
            ("A second member of the secretariat checks", "nothing changes: the entity stays a signatory"),
        ),
        ("withdrawal", ("takes effect at once. It cannot be undone", "stay on record as history")),
    ],
)
def test_focal_point_asks_the_head_after_a_page_that_says_what_will_happen(
    purpose: str, sentences: tuple[str, ...], django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    membership = active()
    client = signed_in(membership.owner)
    workspace = at("workspace", membership.entity.slug)
    assert f'href="{ask(membership, purpose)}"' in words(client.get(workspace))

    page = words(client.get(ask(membership, purpose)))
    assert all(sentence in page for sentence in sentences)
    assert "Amina Example" in page
    assert membership.head_email not in page
    requests = membership.invitations.alive().exclude(purpose="original")
    assert not requests.exists()
    mailoutbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(ask(membership, purpose), {"ask": "yes"}, follow=True)

    assert "A mail is on its way to Amina Example." in words(answer)
    assert [message.to for message in mailoutbox if "/sign/" in message.body] == [[membership.head_email]]
    assert requests.get().purpose == purpose
    assert "can answer until" in words(answer)
    assert f'href="{ask(membership, purpose)}"' not in words(answer)
    assert "waits for the Head" in words(client.get(ask(membership, purpose)))
    client.post(ask(membership, purpose), {"ask": "yes"})
    assert membership.invitations.count() == 2  # to sign, and this one

    back = client.post(ask(membership, purpose), {"back": "yes"}, follow=True)
    assert "is taken back" in words(back)
    assert not requests.exists()
    assert "The request to the Head was taken back." in words(back)


def test_only_the_focal_point_of_an_active_signatory_asks() -> None:
    membership = active()
    helper, stranger = assistant(membership.entity), focal_point()
    staff = UserFactory(is_staff=True, is_superuser=True)
    address = ask(membership, "withdrawal")

    for user in (helper, stranger, staff):
        assert signed_in(user).get(address).status_code == 404
        assert signed_in(user).post(address, {"ask": "yes"}).status_code == 404
    assert "Ask the Head" not in words(signed_in(helper).get(at("workspace", membership.entity.slug)))
    assert signed_in(membership.owner).get(ask(membership, "original")).status_code == 404
    actions.suspend(membership=membership, by=UserFactory(), reason="Breach.")
    assert signed_in(membership.owner).post(address, {"ask": "yes"}).status_code == 302
    asked = approved(letter=membership.letter)
    assert signed_in(asked.owner).post(ask(asked, "withdrawal"), {"ask": "yes"}).status_code == 302
    assert not membership.invitations.exclude(purpose="original").exists()
    assert not asked.invitations.exclude(purpose="original").exists()


def test_page_says_why_nobody_can_be_asked() -> None:
    membership = active()
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), timezone.localdate()))
    client = signed_in(membership.owner)

    page = words(client.get(ask(membership, "reaffirmation")))

    assert "No Head is recorded for today" in page
    assert 'name="ask"' not in page
    assert "No Head is recorded" in words(client.post(ask(membership, "reaffirmation"), {"ask": "yes"}, follow=True))


def test_new_head_is_on_the_list_of_what_to_do_until_asked() -> None:
    membership = active()
    today = timezone.localdate()
    workspace, sentence = at("workspace", membership.entity.slug), "Ask the new Head, <bdi>New Head</bdi>, to reaffirm"
    assert "Ask the new Head" not in words(signed_in(membership.owner).get(workspace))
    Mandate.objects.filter(role="head").update(during=(date(2020, 1, 1), today))
    Mandate.objects.create(
        entity=membership.entity, role="head", name="New Head", title="Minister", email="new@example.org", during=(today, None)
    )  # fmt: skip
    client = signed_in(membership.owner)

    assert sentence in words(client.get(workspace))
    assert sentence not in words(signed_in(assistant(membership.entity)).get(workspace))
    client.post(ask(membership, "reaffirmation"), {"ask": "yes"})
    assert sentence not in words(client.get(workspace))
    Membership.objects.get(pk=membership.pk).invitations.update(revoked_at=timezone.now())
    assert sentence in words(client.get(workspace))


def test_mails_to_the_head_are_not_for_ever(django_capture_on_commit_callbacks: Any) -> None:
    membership = active()
    client = signed_in(membership.owner)

    answers = []
    for _time in range(6):
        answers.append(client.post(ask(membership, "reaffirmation"), {"ask": "yes"}).status_code)
        client.post(ask(membership, "reaffirmation"), {"back": "yes"})

    assert answers == [302] * 5 + [429]


# Signing in -------------------------------------------------------------------------------------------------


def after_login(user: Any) -> str:
    user.set_password("a long enough password")
    user.save()
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": "a long enough password"})
    assert answer["Location"] == at("own_work")
    return str(client.get(answer["Location"])["Location"])


def test_signing_in_leads_to_the_work_that_a_person_has() -> None:
    user = focal_point(first := EntityFactory())

    assert after_login(user) == at("workspace", first.slug)
    actions.confirm_role(mandate=actions.request_role(entity=EntityFactory(), by=user), by=None, how="test")
    assert after_login(user) == at("join")
    assert after_login(UserFactory(verified=True)) == reverse("account_email")
    assert "/account/login/" in Client().get(at("own_work"))["Location"]


def test_head_is_not_ended_here() -> None:
    user = focal_point(entity := EntityFactory())
    head = Mandate.objects.create(entity=entity, role="head", name="Head", during=(date(2020, 1, 1), None))

    assert (
        signed_in(user).post(at("workspace_people", entity.slug), {"act": "end", "mandate": head.pk}).status_code == 404
    )


# The officer's address -------------------------------------------------------------------------------


def test_officer_confirms_by_a_button_and_a_look_changes_nothing(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage], client: Client
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        membership = in_review(track="supporter")
    mail = next(mail for mail in mailoutbox if mail.to == ["minister@ministry.example.org"])
    address = next(line for line in mail.body.splitlines() if "/confirm/" in line).removeprefix("http://localhost:8000")
    answers = {"name": "Ola Example", "title": "Director", "is_authorised": "on"}

    for page in (client.get(address), client.head(address), client.post(address, {**answers, "is_authorised": ""})):
        assert page.status_code == 200
    membership.refresh_from_db()
    assert membership.confirmed_at is None
    assert "Shares its data." in words(client.get(address))
    assert "no-store" in client.get(address)["Cache-Control"]

    assert client.post(address, answers).status_code == 302
    membership.refresh_from_db()
    assert membership.confirmed_by_officer == "Ola Example, Director"
    first = membership.confirmed_at
    client.post(address, {**answers, "name": "Eve Example"})
    membership.refresh_from_db()
    assert (membership.confirmed_at, membership.confirmed_by_officer) == (first, "Ola Example, Director")
    assert "The pledge is confirmed" in words(client.get(address))


def test_address_that_was_never_sent_is_not_found(client: Client) -> None:
    signatory, supporter = application(), application(track="supporter")
    other_salt = signing.dumps({"membership": supporter.pk, "pledge": ""}, salt="coalition.statement")

    for token in ("x", other_salt, actions.pledge_token(supporter)[:-1] + "-", actions.pledge_token(signatory)):
        assert client.get(at("confirm_pledge", token)).status_code == 404


def test_address_dies_when_the_pledge_changes(client: Client) -> None:
    membership = application(track="supporter")
    address = at("confirm_pledge", actions.pledge_token(membership))
    assert client.get(address).status_code == 200

    actions.answer(membership=membership, by=membership.owner, pledge_text="Gives more.")

    assert client.post(address, {"name": "Ola", "title": "Director", "is_authorised": "on"}).status_code == 410


def test_address_is_good_for_thirty_days(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = at("confirm_pledge", actions.pledge_token(application(track="supporter")))

    monkeypatch.setattr(actions, "PLEDGE_LINK_LASTS", timedelta(seconds=-1))

    assert client.get(address).status_code == 410


def test_officers_mail_can_be_sent_again_and_not_for_ever(
    django_capture_on_commit_callbacks: Any, mailoutbox: list[EmailMessage]
) -> None:
    membership = in_review(track="supporter")
    client, address = signed_in(membership.owner), at("workspace_check", membership.entity.slug, "supporter")

    with django_capture_on_commit_callbacks(execute=True):
        codes = [client.post(address, {"officer": "yes"}).status_code for _turn in range(6)]

    assert codes == [302] * 5 + [429]
    assert len([mail for mail in mailoutbox if mail.to == ["minister@ministry.example.org"]]) == 5
    assert "/confirm/" not in words(client.get(at("workspace", membership.entity.slug)))


# Rounds ----------------------------------------------------------------------------------------------


NOMINEE = {
    "nominate": "yes", "nominee-kind": "ngo", "nominee-official_name_en": "Repair Club", "nominee-country": "KEN",
    "nominee-website": "", "nominee-email": "someone@club.example.org",
}  # fmt: skip


def test_signatory_nominates_in_an_open_round_and_the_newcomer_takes_over() -> None:
    sponsor = active()
    client = signed_in(sponsor.owner)
    assert "Nominate a newcomer" not in words(client.get(at("workspace", sponsor.entity.slug)))
    a_round()

    assert "Nominate a newcomer" in words(client.get(at("workspace", sponsor.entity.slug)))
    assert client.post(at("workspace", sponsor.entity.slug), NOMINEE).status_code == 302
    draft = Membership.objects.get(nominated_by=sponsor.entity)
    newcomer = focal_point(draft.entity)
    page = signed_in(newcomer).get(at("workspace", draft.entity.slug))
    assert "Nominated by" in words(page)
    assert sponsor.entity.official_name in words(page)
    signed_in(newcomer).post(at("workspace_application", draft.entity.slug, "signatory", "head"), HEAD)
    draft.refresh_from_db()
    assert (draft.owner, draft.head_name) == (newcomer, "Amina Example")


def test_nomination_finds_the_recorded_entity_and_refuses_one_that_applies() -> None:
    sponsor, known = active(), EntityFactory(official_name_en="repair club", kind="ngo", country_id="KEN")
    a_round()
    client, address = signed_in(sponsor.owner), at("workspace", sponsor.entity.slug)

    client.post(address, NOMINEE)
    assert Membership.objects.get(nominated_by=sponsor.entity).entity == known
    again = client.post(address, NOMINEE)
    assert "already has an application or membership" in words(again)
    assert 'value="someone@club.example.org"' in words(again)


def test_applicant_does_not_nominate() -> None:
    membership = application()
    a_round()

    client = signed_in(membership.owner)
    client.post(at("workspace", membership.entity.slug), NOMINEE)

    assert Membership.objects.count() == 1


# Mails -----------------------------------------------------------------------------------------------


MAILS = (
    "received returned approved rejected lapsed active suspended reinstated removed declined delegated signed_original"
    " signed_reaffirmation signed_withdrawal staff_new_application staff_signed staff_declined role_requested"
    " role_confirmed role_declined pledge_confirmation nominated head_asked staff_withdrawal_asked reaffirmed"
)


@pytest.mark.parametrize("language", ["en", "ar", "zh-hans", "fr", "ru", "es"])
@pytest.mark.parametrize("kind", MAILS.split())
def test_mail_has_a_subject_a_body_and_no_markup(kind: str, language: str) -> None:
    membership = in_state("returned")
    membership.entity.official_name_en = "Tom & Jerry's <Ministry>"
    membership.nominated_by, membership.sign_by = membership.entity, date(2030, 1, 1)
    mandate = Mandate.objects.filter(entity=membership.entity).first()
    signature = {
        "code": "0000-0000-0000",
        "signer_name": "Amina",
        "signer_title": "Minister",
        "signed_at": timezone.now(),
        "kind": "original",
    }
    context = {
        "membership": membership,
        "mandate": mandate,
        "signature": signature,
        "address": "https://portal.example.org/x/",
        "portal_name": "Portal",
        "origin": "https://portal.example.org",
        "contact": "desk@example.org",
        "to_staff": False,
        "invitation": {
            "mandate": mandate,
            "membership": membership,
            "expires_at": timezone.now(),
            "purpose": "original",
        },
    }

    with translation.override(language):
        text = render_to_string(f"coalition/mail/{kind}.txt", context).strip()

    subject, _line, body = text.partition("\n")
    assert subject
    assert len(subject) < 160
    assert len(body.strip()) > 40
    assert "&amp;" not in text
    assert "&#x27;" not in text
    assert "{%" not in text
