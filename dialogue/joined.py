"""Who has joined since: the difference between the Coalition's lists on any two days.

A membership counts from the day of its signature or of the source that names it, to the day before its end. What is known
from sources alone has no end here: its present status is for the secretariat to confirm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coalition import standing
from coalition.standing import Standing

WIDTH, HEIGHT, FLOOR, HEAD = 720, 220, 190, 30  # of the picture, in the units of its viewBox


@dataclass(frozen=True)
class Step:
    """The number of entities from a day on, as a column of the picture."""

    day: date
    count: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def label_y(self) -> float:
        return round(self.y - 8, 1)


@dataclass(frozen=True)
class Difference:
    first: date
    last: date
    before: tuple[Standing, ...]
    after: tuple[Standing, ...]
    came: tuple[Standing, ...]
    went: tuple[Standing, ...]

    @property
    def stayed(self) -> tuple[Standing, ...]:
        return tuple(held for held in self.after if held not in self.came)


def all_standings() -> list[Standing]:
    """Of all real entities, by the day on which they joined; one query. Those without a day are left out."""
    found = [standing.of(row) for row in standing.memberships().filter(entity__is_example=False)]
    return sorted((held for held in found if held.since), key=lambda held: (held.since, str(held.membership.entity)))


def stood(held: Standing, day: date) -> bool:
    ended = held.membership.ended_on
    return held.since is not None and held.since <= day and (ended is None or day < ended)


def between(standings: Sequence[Standing], first: date, last: date) -> Difference:
    before = tuple(held for held in standings if stood(held, first))
    after = tuple(held for held in standings if stood(held, last))
    old, new = {held.membership.entity_id for held in before}, {held.membership.entity_id for held in after}
    return Difference(
        first,
        last,
        before,
        after,
        tuple(held for held in after if held.membership.entity_id not in old),
        tuple(held for held in before if held.membership.entity_id not in new),
    )


def steps(standings: Sequence[Standing], first: date, last: date) -> list[Step]:
    """A column for the first day, for each day between on which the number changed, and for the last."""
    days = {held.since for held in standings} | {held.membership.ended_on for held in standings}
    chosen = sorted({first, last} | {day for day in days if day is not None and first < day < last})[-12:]
    counts = [len({held.membership.entity_id for held in standings if stood(held, day)}) for day in chosen]
    top, step = max([*counts, 1]), WIDTH / len(chosen)
    drawn = []
    for place, (day, count) in enumerate(zip(chosen, counts, strict=True)):
        height = round(count / top * (FLOOR - HEAD), 1)
        width = round(min(step * 0.72, 96), 1)
        x = round(place * step + (step - width) / 2, 1)
        drawn.append(Step(day, count, x, round(FLOOR - height, 1), width, height))
    return drawn
