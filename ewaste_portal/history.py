"""Who changed what: the events that the database itself records, made readable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.encoding import force_str
from django.utils.text import capfirst
from django.utils.translation import get_language_info, gettext as _, pgettext

from ewaste_portal.context import language_tag
from ewaste_portal.models import User

# Written by every save, or a second copy of the English column: they tell a reader nothing.
SILENT = {"id", "modified_at"}


@dataclass(frozen=True)
class Change:
    """One field of one event."""

    label: str
    old: str
    new: str
    language: str = ""  # the BCP 47 tag of both texts, empty where it is nobody's language
    direction: str = ""


@dataclass(frozen=True)
class Entry:
    """One event of one row."""

    at: datetime
    verb: str
    who: str
    where: str  # the page's path, or the name of the command
    what: str
    url: str = ""
    changes: list[Change] = field(default_factory=list)


def verb(event: Any) -> str:
    return {
        "insert": pgettext("history", "Added"),
        "update": pgettext("history", "Changed"),
        "delete": pgettext("history", "Deleted"),
    }.get(event.pgh_label, event.pgh_label)


def tracked_fields(model: type[Model]) -> list[Any]:
    """The columns of a model's events that a reader may want to see, each translated column for itself."""
    event_model: Any = model.pgh_event_model  # type: ignore[attr-defined]
    translated = {column.translated_field.name for column in model._meta.fields if hasattr(column, "translated_field")}
    return [
        column
        for column in event_model._meta.fields
        if not column.name.startswith("pgh_") and column.name not in SILENT | translated
    ]


def entries(item: Model, related: Iterable[tuple[type[Model], str]] = ()) -> list[Entry]:
    """The whole history of an object, newest first; `related` names models that belong to it and their link to it."""
    events = list(_with_previous(type(item), id=item.pk))
    for model, link in related:
        events += _with_previous(model, **{link: item.pk})
    events.sort(key=lambda pair: (pair[1].pgh_created_at, pair[1].pgh_id), reverse=True)
    people = _people([event for _before, event in events])
    return [
        Entry(
            at=event.pgh_created_at,
            verb=verb(event),
            who=_who(event, people),
            where=_where(event),
            what=_part(event, item),
            changes=list(_changes(before, event, people, part_of=type(item))),
        )
        for before, event in events
    ]


def latest(events: Iterable[Any], limit: int) -> list[tuple[Any, str]]:
    """Of the given events the newest, with who made each; several of one object in one request count once."""
    newest, seen = [], set()
    for event in sorted(events, key=lambda event: event.pgh_created_at, reverse=True):
        key = (event.pgh_tracked_model, event.pgh_obj_id, event.pgh_context_id or event.pgh_created_at)
        if key not in seen and len(newest) < limit:
            seen.add(key)
            newest.append(event)
    people = _people(newest)
    return [(event, _who(event, people)) for event in newest]


def _with_previous(model: type[Model], **which: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of an event and the one before it of the same row (None for the first)."""
    event_model: Any = model.pgh_event_model  # type: ignore[attr-defined]
    events = event_model.objects.filter(**which).select_related("pgh_context").order_by("id", "pgh_id")
    for _pk, group in groupby(events, key=lambda event: event.id):
        before = None
        for event in group:
            yield before, event
            before = event


def _changes(before: Any, event: Any, people: dict[int, str], part_of: type[Model]) -> Iterator[Change]:
    for column in tracked_fields(event.pgh_tracked_model):
        if column.related_model is part_of and event.pgh_tracked_model is not part_of:
            continue  # the link to the object whose history this is
        old = _text(before, column, people)
        new = "" if event.pgh_label == "delete" else _text(event, column, people)
        if old != new:
            yield Change(_label(event, column), old, new, *_language(event, column))


def _text(event: Any, column: Any, people: dict[int, str]) -> str:
    value = getattr(event, column.attname) if event is not None else None
    if value is None or value == "":
        return ""
    if column.related_model is User:
        return people.get(value, str(value))
    if isinstance(value, datetime):
        return format_date(timezone.localtime(value), "Y-m-d H:i:s")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        choices = dict(column.base_field.flatchoices)
        return "; ".join(force_str(choices.get(part, part)) for part in value)
    return force_str(dict(column.flatchoices).get(value, value)) if column.choices else str(value)


def _tracked(event: Any, column: Any) -> Any:
    try:
        return event.pgh_tracked_model._meta.get_field(column.name)
    except FieldDoesNotExist:
        return column


def _label(event: Any, column: Any) -> str:
    tracked = _tracked(event, column)
    original = getattr(tracked, "translated_field", tracked)
    return capfirst(force_str(original.verbose_name))


def _language(event: Any, column: Any) -> tuple[str, str]:
    code = getattr(_tracked(event, column), "language", "")
    if not (isinstance(code, str) and code):
        return "", ""
    return language_tag(code), "rtl" if get_language_info(code)["bidi"] else "ltr"


def _part(event: Any, item: Model) -> str:
    """Which part of the object, where it is not the object itself."""
    model = event.pgh_tracked_model
    if isinstance(item, model):
        return ""
    name = force_str(model._meta.verbose_name)
    return f"{name} ({event.language})" if hasattr(event, "language") else name


def _people(events: Sequence[Any]) -> dict[int, str]:
    wanted = {event.pgh_context.metadata.get("user") for event in events if event.pgh_context}
    for event in events:
        wanted |= {getattr(event, column.attname) for column in event._meta.fields if column.related_model is User}
    return {user.pk: str(user) for user in User.objects.filter(pk__in=wanted - {None})}


def _who(event: Any, people: dict[int, str]) -> str:
    metadata = event.pgh_context.metadata if event.pgh_context else {}
    return people.get(metadata.get("user") or 0, "")


def _where(event: Any) -> str:
    metadata = event.pgh_context.metadata if event.pgh_context else {}
    return str(metadata.get("source") or metadata.get("url") or "")
