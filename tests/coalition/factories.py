"""Factories of the Coalition: people in roles, letters, memberships on their way."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from coalition import actions
from coalition.models import Entity, Initiative, Letter, LetterText, Mandate, Membership, Pledge
from ewaste_portal.models import Country, Region, User
from tests.factories import EntityFactory, UserFactory


def focal_point(entity: Entity | None = None, **fields: Any) -> User:
    """A verified person who is the confirmed focal point of an entity."""
    user: User = UserFactory(verified=True, **fields)
    entity = entity or EntityFactory()
    mandate = Mandate.objects.create(
        entity=entity,
        user=user,
        role="focal-point",
        name="Focal Point",
        email=user.email,
        during=(date(2020, 1, 1), None),
    )
    actions.confirm_role(mandate=mandate, by=None, how="test")
    return user


def published_letter(
    version: str = "2026-test", *, languages: tuple[str, ...] = ("en", "fr", "ar"), **fields: Any
) -> Letter:
    letter = Letter.objects.create(version=version, title_en="Letter of Intent", dated=date(2026, 1, 1), **fields)
    for language in languages:
        LetterText.objects.create(letter=letter, language=language, body=f"Text of the letter in {language}.")
    letter.published_at, letter.published_by = timezone.now(), UserFactory()
    letter.save(update_fields=["published_at", "published_by"])
    return letter


def application(
    entity: Entity | None = None, *, by: User | None = None, track: str = "signatory", **fields: Any
) -> Membership:
    """A complete draft."""
    entity = entity or EntityFactory()
    facts = {
        "head_name": "Amina Example", "head_title": "Minister", "head_email": "minister@ministry.example.org",
        "work": "Collects e-waste.", "pledge_text": "Shares its data.", "exclusions_declared": True, **fields,
    }  # fmt: skip
    return actions.begin(entity=entity, by=by or focal_point(entity), track=track, **facts)


def in_review(**fields: Any) -> Membership:
    membership = application(**fields)
    return actions.submit(membership=membership, by=membership.owner)


def approved(*, letter: Letter | None = None, reviewer: User | None = None, **fields: Any) -> Membership:
    """With the Head: the invitation's mail is the last in django.core.mail.outbox (commit hooks must run)."""
    membership = in_review(**fields)
    reviewer = reviewer or UserFactory()
    for item in actions.CHECKS:
        membership = actions.check(membership=membership, by=reviewer, item=item, note="done")
    return actions.approve(
        membership=membership,
        by=reviewer,
        letter=letter or published_letter(),
        sign_by=timezone.localdate() + timedelta(days=30),
    )


def initiative(
    title: str = "Doing", *, places: tuple[str, ...] = (), partners: tuple[Entity, ...] = (), **fields: Any
) -> Initiative:
    """Published, with a source."""
    facts = {"kind": "project", "source_url": "https://example.org/source", "publication": "published", **fields}
    if facts["publication"] == "published":
        facts |= {"published_at": timezone.now(), "published_by": UserFactory()}
    facts.setdefault("entity", None)
    facts["entity"] = facts["entity"] or EntityFactory()
    row = Initiative.objects.create(slug=f"i-{Initiative.objects.count()}", title_en=title, **facts)
    row.countries.set(Country.objects.filter(pk__in=places))
    row.regions.set(Region.objects.filter(pk__in=places))
    row.partners.set(partners)
    return row


def pledge(title: str = "Offer", **fields: Any) -> Pledge:
    facts = {"kind": "data", "purpose": "platform", "text_en": "All our data.", "publication": "published", **fields}
    if facts["publication"] == "published":
        facts |= {"published_at": timezone.now(), "published_by": UserFactory()}
    facts.setdefault("entity", None)
    facts["entity"] = facts["entity"] or EntityFactory()
    return Pledge.objects.create(slug=f"p-{Pledge.objects.count()}", title_en=title, **facts)
