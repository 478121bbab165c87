"""What search engines may index: pages, topics, entities, published resources; in all languages."""

from typing import Any

from django.urls import reverse

from coalition.sitemaps import EntitySitemap
from ewaste_portal.addresses import PortalSitemap
from knowledge.sitemaps import ResourceSitemap, TopicSitemap


class PageSitemap(PortalSitemap):
    def items(self) -> list[str]:
        return [
            "home",
            "knowledge:resource_list",
            "knowledge:browse",
            "knowledge:topic_list",
            "coalition:home",
            "coalition:entity_list",
            "about",
            "accessibility",
            "privacy",
            "terms",
            "contact",
        ]

    def location(self, item: str) -> str:
        return reverse(item)


SITEMAPS: dict[str, Any] = {
    "pages": PageSitemap,
    "topics": TopicSitemap,
    "entities": EntitySitemap,
    "resources": ResourceSitemap,
}
