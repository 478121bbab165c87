from datetime import datetime

from coalition.models import Entity
from coalition.querysets import EntityQuerySet
from ewaste_portal.addresses import PortalSitemap


class EntitySitemap(PortalSitemap):
    def items(self) -> EntityQuerySet:
        return Entity.objects.public().filter(is_example=False).order_by("pk")

    def lastmod(self, item: Entity) -> datetime:
        return item.modified_at
