"""What every export of dialogues reads: public rows only, in a number of queries that does not depend on their number."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from coalition.models import Entity
from dialogue.models import Dialogue, Document, Participation, Session
from dialogue.querysets import DialogueQuerySet


@dataclass
class Item:
    """A session with its people and documents."""

    session: Session
    parts: list[Participation] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)


@dataclass
class Programme:
    """A dialogue with its sessions in order, and what belongs to the whole of it."""

    dialogue: Dialogue
    items: list[Item] = field(default_factory=list)
    parts: list[Participation] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    organizers: list[dict[str, str]] = field(default_factory=list)  # slug and name of each

    @property
    def all_parts(self) -> list[Participation]:
        return [*self.parts, *(part for item in self.items for part in item.parts)]


def with_organizers(dialogues: DialogueQuerySet) -> DialogueQuerySet:
    """Adds `organizer_facts` within the same query."""
    facts = JSONObject(slug="slug", name="official_name_en")
    plain: QuerySet[Entity] = QuerySet(Entity)  # modeltranslation's own would add columns
    organizers = plain.filter(organized_dialogues=OuterRef("pk")).order_by("official_name_en")
    return dialogues.annotate(organizer_facts=ArraySubquery(organizers.values(facts=facts)))


def programmes(dialogues: Iterable[Dialogue], *, people: bool = True, documents: bool = True) -> list[Programme]:
    """Of dialogues that are loaded, best `with_organizers`; a query for sessions, one for people, one for documents."""
    found = {
        dialogue.pk: Programme(dialogue, organizers=list(getattr(dialogue, "organizer_facts", [])))
        for dialogue in dialogues
    }
    items: dict[int, Item] = {}
    for session in Session.objects.exclude(state="draft").filter(dialogue__in=found).in_order():
        programme = found[session.dialogue_id]
        session.dialogue = programme.dialogue
        items[session.pk] = item = Item(session)
        programme.items.append(item)
    if people:
        parts = Participation.objects.public().filter(dialogue__in=found).select_related("person", "entity")
        for part in parts.order_by("position", "pk"):
            owner = items[part.session_id] if part.session_id else found[part.dialogue_id]
            owner.parts.append(part)
    if documents:
        for document in Document.objects.public().filter(dialogue__in=found).for_listing():
            place = items[document.session_id] if document.session_id else found[document.dialogue_id]
            place.documents.append(document)
    return list(found.values())
