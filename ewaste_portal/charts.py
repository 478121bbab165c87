"""Charts as inline SVG, drawn on the server: no script, no image to fetch."""

from collections.abc import Sequence
from dataclasses import dataclass

from ewaste_portal.world_facts import Fact

WIDTH, HEIGHT, FLOOR, HEAD = 720, 260, 232, 24  # in the units of the viewBox


@dataclass(frozen=True)
class Bar:
    """One bar: its corner and size in units of the viewBox."""

    fact: Fact
    x: float
    y: float
    width: float
    height: float
    is_labelled: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def label_y(self) -> float:
        return round(self.y - 7, 1)


def bars(facts: Sequence[Fact]) -> list[Bar]:
    """Bars from zero; the first, the last and every fourth carry their year and value."""
    step = WIDTH / len(facts)
    top = max(fact.value for fact in facts)
    drawn = []
    for place, fact in enumerate(facts):
        height = round(float(fact.value / top) * (FLOOR - HEAD), 1)
        drawn.append(
            Bar(fact, round(place * step + step * 0.14, 1), round(FLOOR - height, 1), round(step * 0.72, 1), height,
                place % 4 == 0 or place == len(facts) - 1)
        )  # fmt: skip
    return drawn
