"""The one place that says when: the event's own time, with the name of its zone and its city.

The same words stand on the page, in mails, PDF files, calendars and plain text. A script may add the reader's time; it
never replaces them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language_bidi, gettext as _, pgettext

from dialogue.models import Dialogue, Session


def offset_words(instant: datetime) -> str:
    """UTC+01:00 for an aware instant in its zone; seconds of times before the zones are left out."""
    minutes = int((instant.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "+" if minutes >= 0 else "\N{MINUS SIGN}"
    return _isolated(f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}")


def zone_words(instant: datetime) -> str:
    """“CET, UTC+01:00”; the offset alone where a zone has no letters, such as +13 of Apia."""
    name = instant.tzname() or ""
    return f"{_isolated(name)}, {offset_words(instant)}" if re.fullmatch("[A-Z]{2,5}", name) else offset_words(instant)


def _isolated(text: str) -> str:
    """Kept in one piece in text that runs from right to left."""
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if get_language_bidi() else text


def day_words(day: date, *, weekday: bool = True) -> str:
    words = date_format(day, "DATE_FORMAT")
    if not weekday:
        return words
    return pgettext("a day", "%(weekday)s, %(date)s") % {"weekday": date_format(day, "l"), "date": words}


def instant_words(instant: datetime, zone: ZoneInfo, place: str = "", *, has_hours: bool = True) -> str:
    """“Wednesday, 21 March 2018, 13:30, Geneva (CET, UTC+01:00)”: one instant, such as that at which something closes."""
    local = instant.astimezone(zone)
    if not has_hours:
        return _comma(day_words(local.date()), place)
    return _placed(_comma(day_words(local.date()), f"{local:%H:%M}"), place, zone, zone_words(local))


@dataclass(frozen=True)
class When:
    """A span of time in a zone. With `has_hours` false, whole days: `ends` is midnight after the last one."""

    starts: datetime
    ends: datetime
    zone: ZoneInfo
    place: str = ""
    has_hours: bool = True

    @property
    def local_start(self) -> datetime:
        return self.starts.astimezone(self.zone)

    @property
    def local_end(self) -> datetime:
        return self.ends.astimezone(self.zone)

    @property
    def first_day(self) -> date:
        return self.local_start.date()

    @property
    def last_day(self) -> date:
        """What ends at midnight ends on the day before; counted in UTC, as clocks may skip what lies before midnight."""
        return (self.ends.astimezone(UTC) - timedelta(microseconds=1)).astimezone(self.zone).date()

    @property
    def is_one_day(self) -> bool:
        return self.first_day == self.last_day

    @property
    def is_to_come(self) -> bool:
        """Or goes on."""
        return timezone.now() < self.ends

    @property
    def days(self) -> str:
        """“Wednesday, 21 March 2018”; of several days the first and the last."""
        first = day_words(self.first_day)
        return first if self.is_one_day else _until(first, day_words(self.last_day))

    @property
    def first_hour(self) -> str:
        return f"{self.local_start:%H:%M}" if self.has_hours else ""

    @property
    def last_hour(self) -> str:
        """24:00 for the midnight that ends the last day."""
        if not self.has_hours:
            return ""
        return f"{self.local_end:%H:%M}" if self.local_end.date() == self.last_day else "24:00"

    @property
    def hours(self) -> str:
        """“13:30–15:00”; of several days with the day of the end; empty where only the day is known."""
        if not self.has_hours:
            return ""
        if self.is_one_day:
            return self._span
        return _until(self.first_hour, _comma(day_words(self.last_day), self.last_hour))

    @property
    def short_hours(self) -> str:
        """Below a heading that names the first day: “23:30–00:30 (+1 day)” for what ends in the next morning."""
        if self.is_one_day or self.ends - self.starts >= timedelta(days=1):
            return self.hours
        return _("%(hours)s (+1 day)") % {"hours": self._span} if self.has_hours else ""

    @property
    def _span(self) -> str:
        """In the order of reading, whatever stands around it."""
        span = f"{self.first_hour}–{self.last_hour}"
        return f"\N{RIGHT-TO-LEFT ISOLATE}{span}\N{POP DIRECTIONAL ISOLATE}" if get_language_bidi() else span

    @property
    def zone_name(self) -> str:
        """“CET, UTC+01:00”; both where the clocks change in between."""
        first, last = zone_words(self.local_start), zone_words(self.local_end)
        if first == last:
            return first
        return _("%(first)s; at the end %(last)s") % {"first": first, "last": last}

    @property
    def words(self) -> str:
        """“Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)”: what every copy of it says."""
        if not self.has_hours:
            return _comma(self.days, self.place)
        span = _comma(day_words(self.first_day), self.hours)
        if not self.is_one_day:
            first = _comma(day_words(self.first_day), self.first_hour)
            span = _until(first, _comma(day_words(self.last_day), self.last_hour))
        return _placed(span, self.place, self.zone, self.zone_name)

    @property
    def machine_start(self) -> str:
        """For `datetime` of HTML: with the offset, to the minute or second; the day alone where only it is known."""
        return _machine(self.local_start) if self.has_hours else self.first_day.isoformat()

    @property
    def machine_end(self) -> str:
        return _machine(self.local_end) if self.has_hours else self.last_day.isoformat()


def _machine(local: datetime) -> str:
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def _placed(span: str, place: str, zone: ZoneInfo, zone_name: str) -> str:
    place = place or _("time of %(zone)s") % {"zone": _isolated(str(zone))}
    return _("%(span)s, %(place)s (%(zone)s)") % {"span": span, "place": place, "zone": zone_name}


def _until(first: str, last: str) -> str:
    return pgettext("days", "%(first)s – %(last)s") % {"first": first, "last": last}


def _comma(first: str, second: str) -> str:
    if not second:
        return first
    return pgettext("a list of two", "%(first)s, %(second)s") % {"first": first, "second": second}


def when(item: Dialogue | Session) -> When | None:
    """Of a dialogue, or of a session whose hours are known; None for a session without. No query."""
    if isinstance(item, Dialogue):
        return When(item.starts_at, item.ends_at, item.zone, item.place, item.has_hours)
    if item.starts_at is None or item.ends_at is None:
        return None
    return When(item.starts_at, item.ends_at, item.dialogue.zone, item.dialogue.place)
