"""What search engines may index of the Coalition: nothing that was made up for the demonstration."""

from datetime import datetime

from coalition.models import Entity, Initiative, Letter, Pledge
from coalition.querysets import EntityQuerySet, InitiativeQuerySet, LetterQuerySet, PledgeQuerySet
from ewaste_portal.addresses import PortalSitemap


class EntitySitemap(PortalSitemap):
    def items(self) -> EntityQuerySet:
        return Entity.objects.public().filter(is_example=False).order_by("pk")

    def lastmod(self, item: Entity) -> datetime:
        return item.modified_at


class LetterSitemap(PortalSitemap):
    def items(self) -> LetterQuerySet:
        return Letter.objects.published().filter(is_example=False).order_by("pk")


class InitiativeSitemap(PortalSitemap):
    def items(self) -> InitiativeQuerySet:
        return Initiative.objects.published().filter(entity__is_example=False).order_by("pk")

    def lastmod(self, item: Initiative) -> datetime:
        return item.modified_at


class PledgeSitemap(PortalSitemap):
    def items(self) -> PledgeQuerySet:
        return Pledge.objects.published().filter(entity__is_example=False).order_by("pk")

    def lastmod(self, item: Pledge) -> datetime:
        return item.modified_at
