"""Changes of one dialogue, and of all, as Atom feeds."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language, gettext as _, pgettext

from dialogue.changes import note_of, words
from dialogue.models import Change
from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag
from knowledge.feeds import xml_safe

MOST_ENTRIES = 50


def atom(
    changes: Iterable[Change], *, title: str, address: str, feed_address: str, of_all: bool = False
) -> HttpResponse:
    """Given changes, the newest first, with their dialogues; `of_all`: each entry names its dialogue."""
    feed = Atom1Feed(
        title=xml_safe(title),
        link=absolute(address),
        description="",
        language=language_tag(get_language() or "en"),
        feed_url=absolute(feed_address),
        author_name=portal_name(),
        feed_guid=absolute(address) + "#changes",
    )
    for change in changes:
        sentence, note = words(change), note_of(change)
        if of_all:
            sentence = pgettext("a change of a dialogue", "%(title)s: %(sentence)s") % {
                "title": change.dialogue.title,
                "sentence": sentence,
            }
        feed.add_item(
            title=xml_safe(sentence),
            link=absolute(change.get_absolute_url()),
            description=xml_safe(note),
            unique_id=absolute(change.get_absolute_url()),
            pubdate=change.at,
            updateddate=change.at,
            categories=[change.get_what_display()],
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["X-Robots-Tag"] = "noindex"
    return response


def title_of(name: str) -> str:
    return _("Changes: %(title)s") % {"title": name}
