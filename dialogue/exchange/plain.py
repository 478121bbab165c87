"""The agenda as plain text, for a terminal, a message or a screen reader."""

from dialogue.exchange.programme import Item, Programme
from dialogue.times import day_words, when
from ewaste_portal.addresses import absolute


def text(programme: Programme) -> str:
    """In the active language; the same words of time as on the page."""
    dialogue, time = programme.dialogue, when(programme.dialogue)
    place = ", ".join(part for part in (dialogue.room, dialogue.venue) if part)
    status = f"{dialogue.get_status_display()}. {dialogue.status_note or ''}".strip() if dialogue.is_cancelled else ""
    head = [dialogue.title, dialogue.theme, time.words if time else "", place, status]
    blocks = ["\n".join(line for line in head if line)]
    day = ""
    for item in programme.items:
        found = when(item.session)
        if found and day_words(found.first_day) != day:
            day = day_words(found.first_day)
            blocks.append(f"{day} ({found.zone_name})")
        blocks.append(_item(item))
    blocks.append(absolute(dialogue.get_absolute_url()))
    return "\n\n".join(blocks) + "\n"


def _item(item: Item) -> str:
    session, time = item.session, when(item.session)
    kind = session.get_state_display() if session.is_cancelled else session.get_kind_display()
    lines = [f"{time.short_hours}  {session.title}" if time else f"- {session.title}"]
    lines.append("  ".join(part for part in (kind, session.room) if part))
    for part in item.parts:
        who = ", ".join(text for text in (part.name, part.title_then, part.entity_name) if text)
        lines.append(f"{part.get_role_display()}: {who}")
    return "\n  ".join(lines)
