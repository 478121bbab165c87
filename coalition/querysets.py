"""Which entities, letters, memberships and signatures. Public pages start at `public()`, `published()` or `listed()`."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ewaste_portal import vocabularies

if TYPE_CHECKING:
    from coalition.models import (  # noqa: F401
        Entity,
        Initiative,
        Invitation,
        Letter,
        Mandate,
        Membership,
        Pledge,
        Signature,
    )
    from ewaste_portal.models import User

# The `source` of an entity that an applicant added, until its application is approved or staff change it.
UNCHECKED = "Added by an applicant; not checked yet."


class EntityQuerySet(models.QuerySet["Entity"]):
    def public(self) -> Self:
        """Entities that have a page of their own: not those merged into another, nor what applicants added and nobody checked."""
        return self.filter(merged_into__isnull=True).exclude(source=UNCHECKED)

    def standing(self) -> Self:
        """Not merged into another; unchecked ones too, for those who look for duplicates and for their own people."""
        return self.filter(merged_into__isnull=True)

    def real(self) -> Self:
        """Not made up for the demonstration: what public counts, feeds and the sitemap hold."""
        return self.filter(is_example=False)

    def named_like(self, words: str) -> Self:
        """Entities whose official or short name holds the words, in any language."""
        names = [
            f"{field}_{column}" for field in ("official_name", "short_name") for column in vocabularies.COLUMNS.values()
        ]
        condition = Q()
        for name in names:
            condition |= Q(**{f"{name}__icontains": words})
        return self.filter(condition)

    def managed_by(self, user: "User", *, on: date | None = None) -> Self:
        """Entities whose workspace the person may enter: as confirmed focal point or as assistant."""
        day = on or timezone.localdate()
        return self.filter(
            mandates__user=user,
            mandates__role__in=["focal-point", "assistant"],
            mandates__confirmed_at__isnull=False,
            mandates__during__contains=day,
        ).distinct()

    def for_listing(self) -> Self:
        return self.select_related("country")


class MandateQuerySet(models.QuerySet["Mandate"]):
    def holding(self, *, on: date | None = None) -> Self:
        return self.filter(during__contains=on or timezone.localdate())

    def confirmed(self) -> Self:
        return self.filter(confirmed_at__isnull=False)

    def waiting(self) -> Self:
        """Requests to become focal point or assistant that nobody has answered."""
        return self.filter(
            confirmed_at__isnull=True, role__in=["focal-point", "assistant"], during__endswith__isnull=True
        )


class LetterQuerySet(models.QuerySet["Letter"]):
    def published(self) -> Self:
        return self.filter(published_at__isnull=False)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def listed(self) -> Self:
        """What the public may see: memberships that were active once, whatever became of them."""
        return self.filter(state__in=["active", "suspended", "withdrawn", "removed"])

    def real(self) -> Self:
        return self.filter(entity__is_example=False)

    def waiting_for_staff(self) -> Self:
        return self.filter(state__in=["review", "signed"]).order_by("state_since")


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def alive(self, *, at: datetime | None = None) -> Self:
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at or timezone.now())


class SignatureQuerySet(models.QuerySet["Signature"]):
    def listed(self) -> Self:
        """What the public may see: historical signatures, those countersigned here, and withdrawals at once."""
        return self.filter(Q(method="historical") | Q(kind="withdrawal") | Q(countersigned_at__isnull=False))

    def real(self) -> Self:
        return self.filter(is_example=False)

    def standing(self, *, on: date | None = None) -> Self:
        """Signatures that stood at the end of a day: signed by then, and not withdrawn by then."""
        from coalition.models import Signature  # noqa: PLC0415  the models import this module

        day = on or timezone.localdate()
        withdrawn = Signature.objects.filter(
            membership=OuterRef("membership"),
            kind="withdrawal",
            signed_on__lte=day,
            signed_on__gte=OuterRef("signed_on"),
        )
        removed = Q(membership__ended_on__lte=day, membership__state="removed")
        return self.filter(~Exists(withdrawn), ~removed, kind__in=["original", "reaffirmation"], signed_on__lte=day)


class InitiativeQuerySet(models.QuerySet["Initiative"]):
    def published(self) -> Self:
        return self.filter(publication="published")


class PledgeQuerySet(models.QuerySet["Pledge"]):
    def published(self) -> Self:
        return self.filter(publication="published")
