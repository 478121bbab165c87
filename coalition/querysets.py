"""Which entities, letters, memberships and signatures. Public pages start at `public()`, `published()` or `listed()`."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange  # type: ignore[import-untyped]
from django.db.models import Exists, OuterRef, Q, Value
from django.utils import timezone

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

WORKSPACE_ROLES = ("focal-point", "assistant")


class EntityQuerySet(models.QuerySet["Entity"]):
    def public(self) -> Self:
        """Entities that have a page of their own: not those merged into another, nor what applicants added and nobody checked."""
        return self.filter(merged_into__isnull=True, checked_at__isnull=False)

    def unchecked(self) -> Self:
        """What applicants added and staff have not looked at yet."""
        return self.filter(merged_into__isnull=True, checked_at__isnull=True)

    def standing(self) -> Self:
        """Not merged into another; unchecked ones too, for those who look for duplicates and for their own people."""
        return self.filter(merged_into__isnull=True)

    def real(self) -> Self:
        """Not made up for the demonstration: what public counts, feeds and the sitemap hold."""
        return self.filter(is_example=False)

    def named_like(self, words: str) -> Self:
        """Entities whose official or short name holds the words, in any language."""
        from coalition.models import Folded  # noqa: PLC0415  the models import this module

        return self.filter(names__contains=Folded(Value(words)))

    def managed_by(self, user: "User", *, on: date | None = None) -> Self:
        """Entities whose workspace the person may enter: as confirmed focal point or as assistant."""
        from coalition.models import Mandate  # noqa: PLC0415  the models import this module

        roles = Mandate.objects.holding(on=on).confirmed().filter(user=user, role__in=WORKSPACE_ROLES)
        return self.filter(pk__in=roles.values("entity"))

    def for_listing(self) -> Self:
        return self.select_related("country")


class MandateQuerySet(models.QuerySet["Mandate"]):
    def holding(self, *, on: date | None = None) -> Self:
        """Those whose period contains the day.

        A period lasts a day at least, so that a role which ended on the day it began still covers that day: for those who
        enter the workspace it counts as over, and access ends at once rather than at midnight.
        """
        day = on or timezone.localdate()
        ended = Q(role__in=WORKSPACE_ROLES, during=DateRange(day, day + timedelta(days=1)))
        return self.filter(during__contains=day).exclude(ended)

    def confirmed(self) -> Self:
        return self.filter(confirmed_at__isnull=False)

    def waiting(self) -> Self:
        """Requests to become focal point or assistant that nobody has answered."""
        return self.filter(confirmed_at__isnull=True, role__in=WORKSPACE_ROLES, during__endswith__isnull=True)


class LetterQuerySet(models.QuerySet["Letter"]):
    def published(self) -> Self:
        return self.filter(published_at__isnull=False)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def listed(self) -> Self:
        """What the public may see: memberships that were active once, whatever became of them."""
        return self.filter(state__in=["active", "suspended", "withdrawn", "removed"])

    def real(self) -> Self:
        return self.filter(entity__is_example=False)

    def with_reaffirmation_to_countersign(self) -> Self:
        from coalition.models import Signature  # noqa: PLC0415  the models import this module

        waiting = Signature.objects.filter(membership=OuterRef("pk"), kind="reaffirmation").uncountersigned()
        return self.filter(Exists(waiting), state="active")

    def waiting_for_staff(self) -> Self:
        reaffirmed = self.model.objects.with_reaffirmation_to_countersign()
        return self.filter(Q(state__in=["review", "signed"]) | Q(pk__in=reaffirmed.values("pk"))).order_by(
            "state_since"
        )


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def alive(self, *, at: datetime | None = None) -> Self:
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at or timezone.now())


class SignatureQuerySet(models.QuerySet["Signature"]):
    def listed(self) -> Self:
        """What the public may see: historical signatures, those countersigned here, and withdrawals at once."""
        return self.filter(Q(method="historical") | Q(kind="withdrawal") | Q(countersigned_at__isnull=False))

    def uncountersigned(self) -> Self:
        """Made or recorded here and not countersigned yet; a withdrawal needs no countersignature."""
        return self.filter(countersigned_at__isnull=True).exclude(method="historical").exclude(kind="withdrawal")

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
