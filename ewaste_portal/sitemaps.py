"""What search engines may index: pages, topics, entities and what they do, dialogues, resources; in all languages."""

from typing import Any

from django.urls import reverse

from coalition.sitemaps import EntitySitemap, InitiativeSitemap, LetterSitemap, PledgeSitemap
from dialogue.sitemaps import DialogueSitemap, PersonSitemap
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
            "coalition:letter_list",
            "coalition:initiative_list",
            "coalition:pledge_list",
            "coalition:issue_management_group",
            "coalition:private_sector",
            "coalition:verify",
            "dialogue:dialogue_list",
            "dialogue:joined",
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
    "letters": LetterSitemap,
    "initiatives": InitiativeSitemap,
    "pledges": PledgeSitemap,
    "dialogues": DialogueSitemap,
    "people": PersonSitemap,
    "resources": ResourceSitemap,
}
