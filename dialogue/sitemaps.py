"""What search engines may index of dialogues: nothing that was made up for the demonstration."""

from datetime import datetime

from dialogue.models import Dialogue, Person
from dialogue.querysets import DialogueQuerySet, PersonQuerySet
from ewaste_portal.addresses import PortalSitemap


class DialogueSitemap(PortalSitemap):
    def items(self) -> DialogueQuerySet:
        return Dialogue.objects.public().real().order_by("pk")

    def lastmod(self, item: Dialogue) -> datetime:
        return item.modified_at


class PersonSitemap(PortalSitemap):
    """People with a part in a dialogue that was held, or will be."""

    def items(self) -> PersonQuerySet:
        return Person.objects.public().real().filter(participations__dialogue__is_example=False).order_by("pk")
