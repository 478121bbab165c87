"""Entities that may be the one that somebody means: by mail domain, by name in any language, by likeness of letters.

Likeness is that of words, not of whole names: the few tens of thousands of words that names are made of have an index of
trigrams (coalition_nameword, kept by a trigger), and are then looked for in `Entity.names`. To compare what was typed with
ten thousand names in six languages takes ten times as long.

Used in the directory and while searching and typing on the join pages; a duplicate that gets through is refused by the database
(`entity_name_unique_in_a_country`) where the names are the same, and merged by staff where they are not.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection
from django.db.models import Case, FloatField, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest, Length, StrIndex
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual

from coalition.models import NAME_COLUMNS, Entity, Folded

MOST = 8  # look-alikes shown
MOST_COMPARED = 200  # whole names
MOST_WORDS, MOST_NEAR = 12, 3  # typed; known ones like each of them
LEAST_LIKENESS = 0.4  # of two words
LEAST_SHARE = 0.5  # of what was typed that a look-alike's names have, or something like it

NEAR = """
    SELECT typed, near.word, near.likeness
    FROM (SELECT typed, min(place) AS place FROM regexp_split_to_table(public.coalition_fold(%s), '[^[:alnum:]]+')
          WITH ORDINALITY AS t(typed, place) WHERE length(typed) BETWEEN 3 AND 60 GROUP BY typed ORDER BY place LIMIT %s) t
    LEFT JOIN LATERAL (
        SELECT word, similarity(word, typed) AS likeness FROM coalition_nameword
        WHERE word %% typed AND similarity(word, typed) >= %s
        ORDER BY likeness DESC, word LIMIT %s
    ) near ON true
    ORDER BY place, likeness DESC
"""

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


def near(words: str) -> dict[str, dict[str, float]]:
    """For each word of three letters or more: the words of names that it may stand for, and how like it they are (0-1).

    It always stands for itself, and for nothing else if it is a word of some name. One query.
    """
    found: dict[str, dict[str, float]] = {}
    is_known: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [words, MOST_WORDS, LEAST_LIKENESS, MOST_NEAR])
        for typed, word, likeness in cursor.fetchall():
            known = found.setdefault(typed, {typed: 1.0})
            if word is not None and word != typed:
                known[word] = likeness
            elif word == typed:
                is_known.add(typed)
    return {typed: {typed: 1.0} if typed in is_known else known for typed, known in found.items()}


def has(word: Value | Folded | str) -> GreaterThan:
    """The row's `names` hold the word. Not LIKE: the planner would take the rows for too few."""
    return GreaterThan(StrIndex("names", Value(word) if isinstance(word, str) else word), 0)


def likeness_of(known: Mapping[str, float]) -> Case:
    """How like the nearest of the words is that the row's `names` hold; 0 if they hold none."""
    whens = [When(has(word), then=Value(likeness)) for word, likeness in known.items()]
    return Case(*whens, default=Value(0.0), output_field=FloatField())


def find(words: str, *, domains: Iterable[str] = (), country: str | None = None, most: int = MOST) -> QuerySet[Entity]:
    """Entities like `words` or with one of the domains: the same domain (`same_domain`) first, then the same
    country, then by likeness.

    Nothing for fewer than two letters and no domain. Two queries.
    """
    words = " ".join(words.replace("\x00", "").split())[:200]
    known = sorted({domain.lower() for domain in domains if domain} - FREE_MAIL)
    own = Q(domains__overlap=known) if known else Q(pk__in=[])
    order: list[Any] = [
        *([_flag(own).desc()] if known else []),
        *([_flag(Q(country=country)).desc()] if country else []),
    ]
    shown = Entity.objects.for_listing().annotate(same_domain=_flag(own))
    if len(words) < 2:
        return shown.standing().filter(own).order_by(*order, "official_name_en", "pk")[:most]
    condition, nearest = own | Q(has(Folded(Value(words)))), [*order]
    if typed := near(words):
        share = _share(typed)
        condition |= Q(GreaterThanOrEqual(share, LEAST_SHARE))
        nearest.append(share.desc())
    compared = Entity.objects.standing().filter(condition).order_by(*nearest, Length("names"), "pk")[:MOST_COMPARED]
    likeness = Coalesce(Greatest(*(TrigramSimilarity(name, words) for name in NAME_COLUMNS)), 0.0)
    order += [likeness.desc(), "official_name_en", "pk"]
    return shown.filter(pk__in=compared.values("pk")).order_by(*order)[:most]


def _share(typed: Mapping[str, Mapping[str, float]]) -> Any:
    """How much of what was typed the names have, longer words counting for more (0-1)."""
    letters = sum(map(len, typed))
    parts = [likeness_of(known) * Value(len(word) / letters) for word, known in typed.items()]
    return sum(parts, Value(0.0, output_field=FloatField()))


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=1), default=0, output_field=IntegerField())


def same(name: str, entities: Sequence[Entity], *, country: str | None) -> Entity | None:
    """The one among them that has this very name, accents and punctuation aside, in this country."""
    wanted = plain(name)
    for entity in entities:
        names = {plain(getattr(entity, field) or "") for field in NAME_COLUMNS}
        if wanted and wanted in names and entity.country_id == country:
            return entity
    return None
