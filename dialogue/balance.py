"""How a panel is made up: by sector and by region, in people and in minutes, while it can still be changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _, pgettext

from dialogue.models import Dialogue, Participation
from ewaste_portal import vocabularies
from ewaste_portal.models import Region

SPEAKING = ("head", "panellist", "moderator", "facilitator", "opening-speaker", "speaker", "chair")
WORLD = "001"
SECTORS = {  # of entities whose part says nothing itself
    "un-body": "un", "national-government": "government", "local-authority": "government",
    "manufacturer": "ict-manufacturer", "recycler": "recycling-industry", "ngo": "civil-society",
    "trade-union": "civil-society",
}  # fmt: skip


def sector_of(part: Participation) -> str:
    """What the part says; else what the entity's kind tells, `other` where nothing does."""
    return part.sector or SECTORS.get(part.entity.kind if part.entity else "", "other")


@dataclass
class Bar:
    label: str
    count: int = 0
    minutes: int = 0


@dataclass
class Balance:
    """Of everyone who speaks; somebody with two parts counts once, with the minutes of both."""

    count: int = 0
    minutes: int = 0
    sectors: list[Bar] = field(default_factory=list)
    regions: list[Bar] = field(default_factory=list)
    outside: Bar = field(default_factory=lambda: Bar(""))

    @property
    def has_minutes(self) -> bool:
        return self.minutes > 0


def balance(dialogue: Dialogue) -> Balance:
    """Of a dialogue as it is saved, sessions that are held back included; two queries."""
    parts = dialogue.participations.filter(role__in=SPEAKING).exclude(session__state="cancelled")
    return of(parts.select_related("person", "entity__country"))


def of(parts: Iterable[Participation]) -> Balance:
    """Of given parts, with person and entity; one query for the regions."""
    sectors = {code: Bar(vocabularies.label("sector", code)) for code in vocabularies.codes("sector")}
    regions: dict[str, Bar] = {}
    continents = _continents()
    found = Balance(sectors=list(sectors.values()), outside=Bar(_("Outside the United Nations")))
    seen: set[tuple[str, int | None]] = set()
    for part in parts:
        who = ("person", part.person_id) if part.person_id else ("entity", part.entity_id)
        new, minutes = int(who not in seen), part.minutes or 0
        seen.add(who)
        country = part.entity.country if part.entity else None
        region = continents.get(country.region_id) if country else None
        key = region.m49 if region else ""
        regions.setdefault(key, Bar(region.name if region else pgettext("region", "None, or not known")))
        sector = sector_of(part)
        rows: list[Any] = [found, sectors[sector], regions[key], *([found.outside] if sector != "un" else [])]
        for row in rows:
            row.count += new
            row.minutes += minutes
    found.regions = [regions[key] for key in sorted(regions, key=lambda key: (not key, key))]
    return found


def _continents() -> dict[str, Region]:
    """Of each region the one below the world that it belongs to."""
    regions = {region.m49: region for region in Region.objects.all()}
    tops = {}
    for key, region in regions.items():
        top = region
        while top.parent_id and top.parent_id != WORLD:
            top = regions[top.parent_id]
        tops[key] = top
    return tops
