"""One instant, one wording: the event's own time, whatever the reader's language and the night's clocks."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from hypothesis import given, strategies as st

from dialogue.models import Dialogue, Session
from dialogue.times import When, instant_words, offset_words, when, zone_words

ZONES = {
    "Geneva": "Europe/Zurich", "Nairobi": "Africa/Nairobi", "Kolkata": "Asia/Kolkata", "New York": "America/New_York",
    "Apia": "Pacific/Apia",
}  # fmt: skip
ISOLATES = dict.fromkeys(map(ord, "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}\N{POP DIRECTIONAL ISOLATE}"))


def span(place: str, starts: str, ends: str, **fields: bool) -> When:
    """Of instants in UTC."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts, ends))
    return When(first, last, ZoneInfo(ZONES[place]), place, **fields)


@pytest.mark.parametrize(
    ("place", "starts", "ends", "words"),
    [
        (
            "Geneva", "2018-03-21T12:30", "2018-03-21T14:00",
            "Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)",
        ),
        (
            "Nairobi", "2018-03-21T12:30", "2018-03-21T14:00",
            "Wednesday, 21 March 2018, 15:30–17:00, Nairobi (EAT, UTC+03:00)",
        ),
        (
            "Kolkata", "2018-03-21T12:30", "2018-03-21T14:00",
            "Wednesday, 21 March 2018, 18:00–19:30, Kolkata (IST, UTC+05:30)",
        ),
        (
            "New York", "2018-03-21T12:30", "2018-03-21T14:00",
            "Wednesday, 21 March 2018, 08:30–10:00, New York (EDT, UTC−04:00)",
        ),
        ("Apia", "2018-03-21T12:30", "2018-03-21T14:00", "Thursday, 22 March 2018, 02:30–04:00, Apia (UTC+14:00)"),
        ("Apia", "2026-07-21T12:30", "2026-07-21T14:00", "Wednesday, 22 July 2026, 01:30–03:00, Apia (UTC+13:00)"),
        # the night in which an hour is left out
        (
            "Geneva", "2018-03-25T00:30", "2018-03-25T01:30",
            "Sunday, 25 March 2018, 01:30–03:30, Geneva (CET, UTC+01:00; at the end CEST, UTC+02:00)",
        ),
        # the night in which an hour comes twice
        (
            "Geneva", "2018-10-28T00:30", "2018-10-28T01:30",
            "Sunday, 28 October 2018, 02:30–02:30, Geneva (CEST, UTC+02:00; at the end CET, UTC+01:00)",
        ),
        (
            "New York", "2018-11-04T05:30", "2018-11-04T06:15",
            "Sunday, 4 November 2018, 01:30–01:15, New York (EDT, UTC−04:00; at the end EST, UTC−05:00)",
        ),
        # the end of a day belongs to the day
        (
            "Geneva", "2018-03-21T21:00", "2018-03-21T23:00",
            "Wednesday, 21 March 2018, 22:00–24:00, Geneva (CET, UTC+01:00)",
        ),
        # across midnight, and over days
        (
            "Geneva", "2018-03-21T22:30", "2018-03-21T23:30",
            "Wednesday, 21 March 2018, 23:30 – Thursday, 22 March 2018, 00:30, Geneva (CET, UTC+01:00)",
        ),
        (
            "Kolkata", "2018-03-21T03:30", "2018-04-20T18:30",
            "Wednesday, 21 March 2018, 09:00 – Friday, 20 April 2018, 24:00, Kolkata (IST, UTC+05:30)",
        ),
    ],
)  # fmt: skip
def test_the_words_of_a_span(place: str, starts: str, ends: str, words: str) -> None:
    assert span(place, starts, ends).words == words


@pytest.mark.parametrize(
    ("place", "starts", "ends", "words"),
    [
        ("Geneva", "2016-05-04T22:00", "2016-05-05T22:00", "Thursday, 5 May 2016, Geneva"),
        ("Geneva", "2018-03-24T23:00", "2018-03-25T22:00", "Sunday, 25 March 2018, Geneva"),  # a day of 23 hours
        ("Geneva", "2019-04-08T22:00", "2019-04-11T22:00", "Tuesday, 9 April 2019 – Thursday, 11 April 2019, Geneva"),
        ("Apia", "2026-07-20T11:00", "2026-07-21T11:00", "Tuesday, 21 July 2026, Apia"),
        ("Apia", "2011-12-29T10:00", "2011-12-30T10:00", "Thursday, 29 December 2011, Apia"),  # there was no 30th
    ],
)
def test_a_day_without_hours_has_none(place: str, starts: str, ends: str, words: str) -> None:
    day = span(place, starts, ends, has_hours=False)

    assert day.words == words
    assert (day.hours, day.first_hour, day.last_hour) == ("", "", "")
    assert day.machine_start == day.first_day.isoformat()


def test_a_place_that_is_not_known_gives_way_to_the_zone() -> None:
    nowhere = When(*(datetime(2018, 3, 21, hour, tzinfo=UTC) for hour in (12, 13)), zone=ZoneInfo("Asia/Kolkata"))

    assert nowhere.words == "Wednesday, 21 March 2018, 17:30–18:30, time of Asia/Kolkata (IST, UTC+05:30)"


def test_two_zones_of_one_abbreviation_are_told_apart() -> None:
    instant = datetime(2018, 3, 21, tzinfo=UTC)
    kolkata, jerusalem = (zone_words(instant.astimezone(ZoneInfo(f"Asia/{city}"))) for city in ("Kolkata", "Jerusalem"))

    assert (kolkata, jerusalem) == ("IST, UTC+05:30", "IST, UTC+02:00")


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/St_Johns", "UTC−03:30"), ("Asia/Kathmandu", "UTC+05:45"), ("Pacific/Marquesas", "UTC−09:30"),
        ("Pacific/Kiritimati", "UTC+14:00"), ("UTC", "UTC+00:00"),
    ],
)  # fmt: skip
def test_offsets_that_are_no_whole_hours(zone: str, words: str) -> None:
    assert offset_words(datetime(2018, 1, 1, tzinfo=ZoneInfo(zone))) == words


def test_one_instant() -> None:
    closes = datetime(2018, 3, 20, 23, 0, tzinfo=UTC)

    assert instant_words(closes, ZoneInfo("Europe/Zurich"), "Geneva") == (
        "Wednesday, 21 March 2018, 00:00, Geneva (CET, UTC+01:00)"
    )


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
@pytest.mark.parametrize("place", ZONES)
def test_every_language_says_the_day_the_hours_the_place_and_the_offset(language: str, place: str) -> None:
    event = span(place, "2018-03-21T12:30", "2018-03-21T14:00")

    with translation.override(language):
        words = event.words.translate(ISOLATES)
        day = date_format(event.first_day, "DATE_FORMAT")
        weekday = date_format(event.first_day, "l")

    assert day in words
    assert weekday in words
    assert f"{event.local_start:%H:%M}–{event.local_end:%H:%M}" in words
    assert place in words
    assert offset_words(event.local_start) in words


def test_offsets_keep_together_in_text_from_right_to_left() -> None:
    with translation.override("ar"):
        words = span("New York", "2018-03-21T12:30", "2018-03-21T14:00").words

    assert "\N{LEFT-TO-RIGHT ISOLATE}UTC\N{MINUS SIGN}04:00\N{POP DIRECTIONAL ISOLATE}" in words
    assert "\N{RIGHT-TO-LEFT ISOLATE}08:30–10:00\N{POP DIRECTIONAL ISOLATE}" in words
    assert words.count("\N{LEFT-TO-RIGHT ISOLATE}") == 2
    assert words.count("\N{POP DIRECTIONAL ISOLATE}") == 3


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [
        ("2018-03-21T12:30", "2018-03-21T14:00", "13:30–15:00"),
        ("2018-03-21T21:00", "2018-03-21T23:00", "22:00–24:00"),
        ("2018-03-21T22:30", "2018-03-21T23:30", "23:30–00:30 (+1 day)"),
        ("2018-03-21T22:30", "2018-03-22T22:30", "23:30 – Thursday, 22 March 2018, 23:30"),
    ],
)
def test_hours_below_the_heading_of_a_day(starts: str, ends: str, hours: str) -> None:
    assert span("Geneva", starts, ends).short_hours == hours


INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the zone follows
LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(days=60))
OFFSET = re.compile(r"UTC([+\N{MINUS SIGN}])(\d\d):(\d\d)")
MONTHS = [date_format(date(2000, month, 1), "F") for month in range(1, 13)]


def read_back(day: tuple[str, ...], hour: str, offset: tuple[str, str, str]) -> datetime:
    """The instant that somebody with the words alone would compute."""
    sign = -1 if offset[0] == "\N{MINUS SIGN}" else 1
    away = timedelta(hours=sign * int(offset[1]), minutes=sign * int(offset[2]))
    hours, minutes = map(int, hour.split(":"))
    number, month, year = day
    midnight = datetime(int(year), MONTHS.index(month) + 1, int(number), tzinfo=UTC)
    return midnight + timedelta(hours=hours, minutes=minutes) - away


@given(starts=INSTANTS, length=LENGTHS, place=st.sampled_from(sorted(ZONES)))
def test_the_words_read_back_as_the_same_instants(starts: datetime, length: timedelta, place: str) -> None:
    starts = starts.replace(second=0, microsecond=0)
    ends = starts + timedelta(minutes=length // timedelta(minutes=1))
    with translation.override("en"):
        event = When(starts, ends, ZoneInfo(ZONES[place]), place)
        words = event.words

    days = re.findall(r"(\d{1,2}) (\w+) (\d{4})", words)
    hours = re.findall(r"(?<!UTC[+\N{MINUS SIGN}])\b(\d\d:\d\d)\b", words)
    offsets = OFFSET.findall(words)
    assert len(days) == (1 if event.is_one_day else 2)
    assert read_back(days[0], hours[0], offsets[0]) == starts
    assert read_back(days[-1], hours[1], offsets[-1]) == ends


@given(starts=INSTANTS, length=LENGTHS, place=st.sampled_from(sorted(ZONES)))
def test_what_machines_read_is_the_same_instant(starts: datetime, length: timedelta, place: str) -> None:
    event = When(starts.replace(microsecond=0), starts.replace(microsecond=0) + length, ZoneInfo(ZONES[place]))

    assert datetime.fromisoformat(event.machine_start) == event.starts
    assert datetime.fromisoformat(event.machine_end) == event.ends.replace(microsecond=0)


@given(
    first=st.dates(date(2012, 1, 1), date(2040, 1, 1)), length=st.integers(1, 40), place=st.sampled_from(sorted(ZONES))
)
def test_days_alone_are_the_days_of_the_place(first: date, length: int, place: str) -> None:
    zone = ZoneInfo(ZONES[place])
    midnight, after = (
        datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, first + timedelta(days=length))
    )

    event = When(midnight.astimezone(UTC), after.astimezone(UTC), zone, place, has_hours=False)

    assert (event.first_day, event.last_day) == (first, first + timedelta(days=length - 1))
    assert ":" not in event.words


def test_a_dialogue_and_its_session_are_in_its_zone() -> None:
    starts = datetime(2018, 3, 21, 12, 30, tzinfo=UTC)
    event = Dialogue(
        starts_at=starts, ends_at=starts + timedelta(hours=1), time_zone="Asia/Kolkata", place_en="Kolkata"
    )
    timed = Session(dialogue=event, starts_at=starts, ends_at=starts + timedelta(minutes=10))

    assert when(event) == When(starts, starts + timedelta(hours=1), ZoneInfo("Asia/Kolkata"), "Kolkata", True)
    assert when(timed) == When(starts, starts + timedelta(minutes=10), ZoneInfo("Asia/Kolkata"), "Kolkata", True)
    assert when(Session(dialogue=event)) is None
