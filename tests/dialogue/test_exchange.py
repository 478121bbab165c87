"""One instant in every file, and what other programs read back from them."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from django.test import Client
from django.utils import timezone
from pyld import jsonld
from pytest_django import DjangoAssertNumQueries

from dialogue.exchange import calendars, data, schedules, zones
from dialogue.exchange.programme import programmes, with_organizers
from dialogue.models import Dialogue
from dialogue.times import when
from tests.dialogue.factories import attendance, dialogue, draft, part, session, upcoming
from tests.factories import EntityFactory

pytestmark = pytest.mark.django_db

PLACES = ("Europe/Zurich", "Africa/Nairobi", "Asia/Kolkata", "America/New_York", "Pacific/Apia")
NIGHTS = (
    datetime(2018, 3, 25, 0, 30, tzinfo=UTC),  # the clocks of Europe go forward
    datetime(2018, 10, 28, 0, 30, tzinfo=UTC),  # and back
    datetime(2018, 3, 11, 6, 30, tzinfo=UTC),  # those of New York
    datetime(2018, 11, 4, 5, 30, tzinfo=UTC),
    datetime(2018, 3, 31, 13, 30, tzinfo=UTC),  # those of Apia, which had summer time then
    datetime(2018, 9, 29, 13, 30, tzinfo=UTC),
    datetime(2018, 3, 21, 12, 30, tzinfo=UTC),
)


def in_zone(zone: str, starts_at: datetime, **fields: object) -> Dialogue:
    event = dialogue(time_zone=zone, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2), **fields)
    session(event, slug="panel", starts_at=event.starts_at, ends_at=event.ends_at, room="Room 2")
    return event


@pytest.mark.parametrize("starts_at", NIGHTS)
@pytest.mark.parametrize("zone", PLACES)
def test_the_same_instant_everywhere(client: Client, zone: str, starts_at: datetime) -> None:
    event = in_zone(zone, starts_at)
    address, words = f"/en/dialogues/{event.slug}", when(event).words

    file = client.get(f"{address}/calendar.ics?sessions=all").content
    schedule = client.get(f"{address}/schedule.xml").content
    frab = client.get(f"{address}/schedule.json").json()["schedule"]
    own = client.get(f"{address}/dialogue.json").json()

    read = [component.decoded("dtstart") for component in icalendar.Calendar.from_ical(file).walk("VEVENT")]
    second = [item.dtstart.value for item in vobject.readOne(file.decode()).vevent_list]
    line = ET.fromstring(schedule).find("day/room/event")
    assert [instant.astimezone(UTC) for instant in [*read, *second]] == [starts_at] * 4
    assert datetime.fromisoformat(line.findtext("date")) == starts_at
    assert line.findtext("start") == f"{starts_at.astimezone(ZoneInfo(zone)):%H:%M}"
    (day,) = frab["conference"]["days"]
    assert datetime.fromisoformat(day["rooms"]["Room 2"][0]["date"]) == starts_at
    assert datetime.fromisoformat(own["when"]["starts"]) == starts_at
    assert own["when"]["words"] == words
    assert words in client.get(f"{address}/").content.decode()
    assert words in client.get(f"{address}/agenda.txt").content.decode()
    assert words in str(icalendar.Calendar.from_ical(file).walk("VEVENT")[0]["description"])


@pytest.mark.parametrize("zone", PLACES)
def test_our_vtimezone_agrees_with_the_zone_on_every_hour_around_its_changes(zone: str) -> None:
    component = zones.vtimezone(zone, 2018, 2018)
    observances = [
        (
            item.decoded("dtstart").replace(tzinfo=UTC) - item.decoded("tzoffsetfrom"),
            item.decoded("tzoffsetto"),
        )
        for item in component.subcomponents
    ]

    for change in [*zones.transitions(zone, 2018, 2018), *NIGHTS]:
        for hours in range(-3, 4):
            instant = change + timedelta(hours=hours)
            _begin, offset = max(found for found in observances if found[0] <= instant)
            assert offset == instant.astimezone(ZoneInfo(zone)).utcoffset(), (zone, instant)


def test_the_clocks_change_at_two_local_time() -> None:
    """Other programs write three: an hour late."""
    file = zones.vtimezone("Europe/Zurich", 2018, 2018).to_ical().decode()

    assert "BEGIN:DAYLIGHT\r\nDTSTART:20180325T020000" in file
    assert "BEGIN:STANDARD\r\nDTSTART:20181028T030000" in file


def test_zones_are_named_by_place_never_by_letters(client: Client) -> None:
    """India and Israel both call theirs IST."""
    india, israel = in_zone("Asia/Kolkata", NIGHTS[0]), in_zone("Asia/Jerusalem", NIGHTS[0])

    file = client.get("/en/dialogues/calendar.ics").content.decode()

    assert set(re.findall(r"TZID[=:]([^:\r\n]+)", file)) == {india.time_zone, israel.time_zone}


def test_a_moved_dialogue_is_the_same_event_with_a_higher_sequence(client: Client) -> None:
    event = in_zone("Europe/Zurich", NIGHTS[0])
    Dialogue.objects.filter(pk=event.pk).update(modified_at=timezone.now() - timedelta(days=1))
    address = f"/en/dialogues/{event.slug}/calendar.ics"
    before = icalendar.Calendar.from_ical(client.get(address).content).walk("VEVENT")[0]

    Dialogue.objects.filter(pk=event.pk).update(ends_at=event.ends_at + timedelta(hours=1))
    after = icalendar.Calendar.from_ical(client.get(address).content).walk("VEVENT")[0]

    assert (str(after["uid"]), after["sequence"]) == (str(before["uid"]), before["sequence"] + 1)
    assert after.decoded("last-modified") > before.decoded("last-modified")


def test_a_cancelled_dialogue_stays_in_the_calendar(client: Client) -> None:
    event = in_zone("Europe/Zurich", NIGHTS[0])
    Dialogue.objects.filter(pk=event.pk).update(status="cancelled", status_note_en="The hall burnt down.")

    (item,) = icalendar.Calendar.from_ical(client.get("/en/dialogues/calendar.ics").content).walk("VEVENT")

    assert (str(item["status"]), str(item["summary"])) == ("CANCELLED", f"Cancelled: {event.title}")


def test_a_dialogue_of_a_day_has_no_hour_anywhere(client: Client) -> None:
    zone = ZoneInfo("Europe/Zurich")
    event = dialogue(
        precision="day", starts_at=datetime(2019, 4, 10, tzinfo=zone), ends_at=datetime(2019, 4, 11, tzinfo=zone)
    )
    address = f"/en/dialogues/{event.slug}"

    file = client.get(f"{address}/calendar.ics").content.decode()
    own = client.get(f"{address}/dialogue.json").json()["when"]

    assert "DTSTART;VALUE=DATE:20190410\r\nDTEND;VALUE=DATE:20190411" in file
    assert (own["starts"], own["ends"], own["words"]) == ("2019-04-10", "2019-04-10", when(event).words)
    assert "VTIMEZONE" not in file
    assert "00:00" not in client.get(f"{address}/agenda.txt").content.decode() + own["words"]


def test_files_are_the_same_bytes_while_nothing_changes(client: Client) -> None:
    event = in_zone("Europe/Zurich", NIGHTS[0])

    for name in ("calendar.ics", "schedule.xml", "schedule.json", "dialogue.json", "agenda.txt", "agenda.pdf"):
        first = client.get(f"/en/dialogues/{event.slug}/{name}")
        again = client.get(f"/en/dialogues/{event.slug}/{name}", headers={"If-None-Match": first["ETag"]})
        assert (name, first.status_code, again.status_code) == (name, 200, 304)


def test_the_schedule_holds_to_the_rules_of_its_format(client: Client) -> None:
    event = dialogue()
    for number in range(3):
        starts_at = event.starts_at + timedelta(minutes=30 * number)
        made = session(event, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30), title_en="A & <B>\x0b")
        part(event, session=made, entity=EntityFactory())

    root = ET.fromstring(client.get(f"/en/dialogues/{event.slug}/schedule.xml").content)

    assert [element.tag for element in root] == ["version", "conference", "day"]
    assert root.findtext("conference/time_zone_name") == "Europe/Zurich"
    lines = root.findall("day/room/event")
    assert len({line.get("guid") for line in lines}) == len({line.get("id") for line in lines}) == 3
    assert len({line.findtext("slug") for line in lines}) == 3
    for line in lines:
        assert re.fullmatch(r"\d{2}:\d{2}", line.findtext("duration"))
        assert {"room", "title", "type", "date", "start", "abstract", "subtitle", "track"} <= {
            child.tag for child in line
        }
        assert line.findtext("title") == "A & <B>"


def test_json_ld_expands_and_names_everybody_by_role() -> None:
    event = dialogue(theme_en="</script>")
    made = session(event)
    part(event, session=made, role="moderator", title_then="Editor", entity_then="Paper")
    (found,) = programmes(with_organizers(Dialogue.objects.filter(pk=event.pk)))

    read = data.json_ld(found)
    read["@context"] = {"@vocab": "https://schema.org/", "@base": "https://example.org/"}
    (expanded,) = jsonld.expand(json.loads(json.dumps(read)))

    (role,) = expanded["https://schema.org/performer"]
    assert role["https://schema.org/roleName"] == [{"@value": "Moderator"}]
    assert expanded["https://schema.org/subEvent"][0]["@id"].endswith(f"/sessions/{made.slug}/")


def test_drafts_and_what_is_held_back_are_in_no_file(client: Client) -> None:
    hidden, event = draft(title_en="Secret"), dialogue(title_en="Open")
    starts_at = event.starts_at
    session(event, slug="secret", title_en="Secret session", state="draft", starts_at=starts_at, ends_at=event.ends_at)

    for name in ("calendar.ics?sessions=all", "schedule.xml", "schedule.json", "dialogue.json", "agenda.txt"):
        assert client.get(f"/en/dialogues/{hidden.slug}/{name}").status_code == 404
        shown = client.get(f"/en/dialogues/{event.slug}/{name}").content.decode()
        assert ("Open" in shown, "Secret" in shown) == (True, False), name
    assert client.get(f"/en/dialogues/{event.slug}/sessions/secret.ics").status_code == 404
    for name in ("calendar.ics", "schedule.xml", "schedule.json"):
        assert "Secret" not in client.get(f"/en/dialogues/{name}").content.decode()


def test_the_run_of_show_is_for_staff_alone(client: Client, admin_client: Client) -> None:
    event = dialogue()
    session(event, notes="Do not say this aloud.", state="draft")

    assert client.get(f"/en/dialogues/{event.slug}/run-of-show.pdf").status_code == 403
    assert admin_client.get(f"/en/dialogues/{event.slug}/run-of-show.pdf").content[:5] == b"%PDF-"


def test_a_cancelled_registration_ends_the_event_of_one_person_alone() -> None:
    event = upcoming()
    person = attendance(event)

    asked = icalendar.Calendar.from_ical(calendars.invitation(event, person))
    ended = icalendar.Calendar.from_ical(calendars.invitation(event, person, "CANCEL"))

    assert (str(asked["method"]), str(ended["method"])) == ("REQUEST", "CANCEL")
    first, last = asked.walk("VEVENT")[0], ended.walk("VEVENT")[0]
    assert str(first["uid"]) == str(last["uid"])
    assert last["sequence"] > first["sequence"]
    assert str(first["attendee"]) == f"mailto:{person.email}"


@pytest.mark.parametrize("size", [1, 3])
def test_exports_take_at_most_four_queries_at_any_size(
    client: Client, size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = dialogue()
    event.organizers.add(*(EntityFactory() for _number in range(size)))
    for number in range(size):
        starts_at = event.starts_at + timedelta(minutes=number)
        made = session(event, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=1))
        part(event, session=made, entity=EntityFactory())
        dialogue()

    for name, most in (
        (f"{event.slug}/calendar.ics?sessions=all", 3), (f"{event.slug}/schedule.xml", 4),
        (f"{event.slug}/schedule.json", 4), (f"{event.slug}/dialogue.json", 4), (f"{event.slug}/agenda.txt", 3),
        (f"{event.slug}/agenda.pdf", 3), ("calendar.ics", 1), ("schedule.xml", 4), ("schedule.json", 4),
    ):  # fmt: skip
        with django_assert_num_queries(most):
            client.get(f"/en/dialogues/{name}")


def test_an_entity_has_a_calendar_of_its_own(client: Client) -> None:
    entity = EntityFactory()
    organized, attended, other = dialogue(), dialogue(), dialogue()
    organized.organizers.add(entity)
    part(attended, entity=entity)

    file = client.get(f"/en/dialogues/of/{entity.slug}/calendar.ics").content.decode()

    assert [str(event.uid) in file for event in (organized, attended, other)] == [True, True, False]


def test_the_version_of_a_schedule_changes_with_it() -> None:
    event = dialogue()
    before = schedules.of(programmes([event]), address="/").version

    Dialogue.objects.filter(pk=event.pk).update(room_en="Room 3", modified_at=timezone.now())
    event.refresh_from_db()

    assert schedules.of(programmes([event]), address="/").version != before
