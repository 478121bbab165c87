"""The chain: dialogues, Letters of Intent and who joined, in order of date."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.utils.formats import date_format

from coalition import standing
from coalition.models import Entity, Letter
from coalition.standing import Standing
from dialogue.models import Dialogue
from dialogue.times import When, when
from ewaste_portal import vocabularies

MOST_NAMES = 10  # of those who joined, in one node
RANKS = ("dialogue", "letter", "joined")  # of one day, in the order in which one follows from the other
LONG_TEXTS = [
    f"{name}_{column}"
    for name in ("overview", "status_note", "moderator_reason", "venue", "room")
    for column in vocabularies.COLUMNS.values()
]


@dataclass
class Node:
    """A dialogue, a Letter with those who signed it on its day, or entities that joined on a day or in a month."""

    kind: str
    day: date
    is_example: bool = False
    dialogue: Dialogue | None = None
    organizers: list[Entity] = field(default_factory=list)
    letter: Letter | None = None
    joined: list[Standing] = field(default_factory=list)

    @property
    def when(self) -> When | None:
        return when(self.dialogue) if self.dialogue else None

    @property
    def is_live(self) -> bool:
        return self.dialogue is not None and self.dialogue.phase() == "live"

    @property
    def years(self) -> set[int]:
        last = self.dialogue.last_day if self.dialogue else self.day
        return set(range(self.day.year, last.year + 1))

    @property
    def is_of_one_day(self) -> bool:
        return len({held.since for held in self.joined}) < 2

    @property
    def day_words(self) -> str:
        """The day; the month of those who joined on several days of it."""
        return date_format(self.day, "DATE_FORMAT" if self.is_of_one_day else "YEAR_MONTH_FORMAT")

    @property
    def machine_day(self) -> str:
        return self.day.isoformat() if self.is_of_one_day else self.day.isoformat()[:7]

    @property
    def named(self) -> list[Standing]:
        return self.joined[:MOST_NAMES]

    @property
    def unnamed(self) -> int:
        return max(0, len(self.joined) - MOST_NAMES)

    @property
    def are_reported(self) -> bool:
        """Whether all are known from sources alone, without a signature."""
        return bool(self.joined) and all(held.track == "member" for held in self.joined)


def build() -> list[Node]:
    """Everything that is public, the newest first; four queries. The made up is among it, marked."""
    organizers: dict[int, list[Entity]] = {}
    through = Dialogue.organizers.through.objects.exclude(dialogue__status="draft").select_related("entity")
    for row in through.order_by("pk"):
        organizers.setdefault(row.dialogue_id, []).append(row.entity)
    nodes = [
        Node("dialogue", event.first_day, event.is_example, dialogue=event, organizers=organizers.get(event.pk, []))
        for event in Dialogue.objects.public().defer(*LONG_TEXTS)
    ]
    letters = {
        letter.pk: Node("letter", letter.dated, letter.is_example, letter=letter)
        for letter in Letter.objects.published()
    }
    return sorted([*nodes, *letters.values(), *_joined(letters)], key=_key, reverse=True)


def _key(node: Node) -> tuple[date, int, str]:
    return node.day, RANKS.index(node.kind), node.dialogue.starts_at.isoformat() if node.dialogue else ""


def _joined(letters: dict[int, Node]) -> Iterable[Node]:
    """Puts those who signed a Letter on its day into its node, and returns nodes for all others, one a month."""
    others = []
    for row in standing.memberships().order_by("entity__official_name_en", "pk"):
        held = standing.of(row)
        letter = letters.get(row.letter_id or 0)
        if letter and held.track == "signatory" and held.since == letter.day:
            letter.joined.append(held)
        elif held.since:
            others.append(held)

    def month(held: Standing) -> tuple[bool, int, int, bool]:
        day = held.since or date.min
        return held.membership.entity.is_example, day.year, day.month, held.track == "member"

    for (is_example, *_rest), group in groupby(sorted(others, key=month), key=month):
        found = list(group)
        yield Node("joined", max(held.since for held in found if held.since), is_example, joined=found)
