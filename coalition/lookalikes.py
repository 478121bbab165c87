"""Entities that may be the one that somebody means: by mail domain, by name in any language, by likeness of letters.

Used while searching and typing on the join pages; a duplicate that gets through is refused by the database
(`entity_name_unique_in_a_country`) where the names are the same, and merged by staff where they are not.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Case, F, FloatField, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce, Greatest, Upper

from coalition.models import Entity
from ewaste_portal import vocabularies

NAMES = [f"{field}_{column}" for field in ("official_name", "short_name") for column in vocabularies.COLUMNS.values()]
MOST = 8  # look-alikes shown

# Mail for everybody: an address there says nothing of the organization that a person works for.
FREE_MAIL = frozenset({
    "126.com", "163.com", "aol.com", "bk.ru", "fastmail.com", "foxmail.com", "gmail.com", "gmx.com", "gmx.de",
    "gmx.net", "googlemail.com", "hotmail.com", "hotmail.fr", "icloud.com", "inbox.ru", "laposte.net", "libero.it",
    "list.ru", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr",
    "outlook.com", "pm.me", "proton.me", "protonmail.com", "qq.com", "rediffmail.com", "sina.com", "t-online.de",
    "tutanota.com", "wanadoo.fr", "web.de", "yahoo.co.in", "yahoo.co.uk", "yahoo.com", "yahoo.es", "yahoo.fr",
    "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
})  # fmt: skip


def plain(name: str) -> str:
    """For comparing: without case, accents, marks and punctuation, single spaces."""
    letters = (
        character if character.isalnum() else " "
        for character in unicodedata.normalize("NFKD", name.casefold())
        if not unicodedata.combining(character)
    )
    return " ".join("".join(letters).split())


def own_domain(email: str) -> str:
    """The domain of a mail address, lower case; empty for mail that is for everybody."""
    domain = email.rpartition("@")[2].lower()
    return "" if domain in FREE_MAIL else domain


def host(address: str) -> str:
    """The host of a website, without `www.`."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def find(words: str, *, domains: Iterable[str] = (), country: str | None = None, most: int = MOST) -> QuerySet[Entity]:
    """Entities like `words` or with one of the domains: the same domain first, then the same country, then by likeness.

    Nothing for fewer than two letters and no domain. One query.
    """
    words = " ".join(words.replace("\x00", "").split())[:200]
    known = sorted({domain.lower() for domain in domains if domain} - FREE_MAIL)
    condition = Q(domains__overlap=known) if known else Q(pk__in=[])
    likeness: Coalesce | Value = Value(0.0, output_field=FloatField())
    entities = (
        Entity.objects.standing().for_listing().annotate(upper_name=Upper("official_name_en", output_field=TextField()))
    )
    if len(words) >= 2:
        loud = words.upper()
        condition |= Q(upper_name__trigram_similar=loud) | Q(upper_name__trigram_word_similar=loud)
        for name in NAMES:
            condition |= Q(**{f"{name}__icontains": words})
            if name.startswith("short"):
                condition |= Q(**{f"{name}__trigram_similar": words})
        likeness = Coalesce(
            Greatest(*(TrigramSimilarity(name, words) for name in NAMES)), 0.0, output_field=FloatField()
        )
    return (
        entities.filter(condition)
        .annotate(
            same_domain=_flag(Q(domains__overlap=known) if known else Q(pk__in=[])),
            same_country=_flag(Q(country=country) if country else Q(pk__in=[])),
            likeness=likeness,
        )
        .order_by("-same_domain", "-same_country", F("likeness").desc(), "official_name_en", "pk")[:most]
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=1), default=0, output_field=IntegerField())


def same(name: str, entities: Sequence[Entity], *, country: str | None) -> Entity | None:
    """The one among them that has this very name, accents and punctuation aside, in this country."""
    wanted = plain(name)
    for entity in entities:
        names = {plain(getattr(entity, field) or "") for field in NAMES}
        if wanted and wanted in names and entity.country_id == country:
            return entity
    return None
