"""VTIMEZONE of RFC 5545, written from the transitions that zoneinfo knows: one observance for each change of the clocks."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

STEP = timedelta(days=14)  # no zone changes twice in less


@lru_cache(maxsize=256)
def transitions(zone_name: str, first_year: int, last_year: int) -> tuple[datetime, ...]:
    """The instants, in UTC to the second, at which a zone changes its offset or name; of these years."""
    zone = ZoneInfo(zone_name)
    at, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    found = []
    while at < end:
        after = at + STEP
        if _state(after, zone) != _state(at, zone):
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _state(middle, zone) == _state(low, zone) else (low, middle)
            found.append(high)
        at = after
    return tuple(found)


def _state(instant: datetime, zone: ZoneInfo) -> tuple[timedelta | None, str | None]:
    local = instant.astimezone(zone)
    return local.utcoffset(), local.tzname()


def vtimezone(zone_name: str, first_year: int, last_year: int) -> Timezone:
    """From the year before the first, so that the first day has an observance, to the year after the last."""
    zone = ZoneInfo(zone_name)
    component = Timezone()
    component.add("tzid", zone_name)
    start = datetime(first_year - 1, 1, 1, tzinfo=UTC)
    component.add_component(_observance(start, start, zone))
    for instant in transitions(zone_name, first_year - 1, last_year + 1):
        component.add_component(_observance(instant, instant - timedelta(seconds=1), zone))
    return component


def _observance(instant: datetime, before: datetime, zone: ZoneInfo) -> TimezoneStandard | TimezoneDaylight:
    """DTSTART is the local time by the offset that held until then (RFC 5545, 3.6.5)."""
    local, earlier = instant.astimezone(zone), before.astimezone(zone)
    from_offset, to_offset = earlier.utcoffset() or timedelta(), local.utcoffset() or timedelta()
    observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
    observance.add("dtstart", (instant + from_offset).replace(tzinfo=None))
    observance.add("tzoffsetfrom", from_offset)
    observance.add("tzoffsetto", to_offset)
    if local.tzname():
        observance.add("tzname", local.tzname())
    return observance
