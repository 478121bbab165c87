from datetime import datetime

from ewaste_portal.addresses import PortalSitemap
from knowledge.models import Resource, Topic
from knowledge.querysets import ResourceQuerySet, TopicQuerySet


class ResourceSitemap(PortalSitemap):
    def items(self) -> ResourceQuerySet:
        return Resource.objects.published().order_by("pk")

    def lastmod(self, item: Resource) -> datetime:
        return item.modified_at


class TopicSitemap(PortalSitemap):
    def items(self) -> TopicQuerySet:
        return Topic.objects.all()
