"""The facets of all published resources as bitmaps in memory: one integer a value, one bit a resource.

PostgreSQL keeps `knowledge_searchdocument` true; each process keeps this copy and, at every request, reads in one query
what has changed since (rows written by transactions that its last snapshot did not see). So a count is exact, costs
microseconds, and is never older than the request. See docs/decisions/0004-facets-as-bitmaps.md.
"""

import threading
from array import array
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress, count, islice
from typing import Any

from django.db import connections

FACETS = ("type", "topic", "language", "publisher", "place", "category", "target")  # in the order of the page
LATEST_FIRST = 1_000_000  # larger than any newest_key, to turn the order round

CHANGED = """
    WITH now AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
    SELECT now.xmin::text, document.resource_id, document.is_public, document.facets, document.year,
           document.newest_key, document.title_key
    FROM now LEFT JOIN knowledge_searchdocument document ON document.changed >= %s::xid8
"""
# The first time, a few thousand at a time: that needs less memory, and what is written meanwhile is read again.
FIRST = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text, resource_id, facets, year, newest_key, title_key
    FROM knowledge_searchdocument WHERE is_public AND resource_id > %s ORDER BY resource_id LIMIT %s
"""
BATCH = 5_000
DIGITS = bytes.maketrans(b"01", b"\0\1")


def to_bits(ids: Iterable[int], size: int) -> int:
    """A bitmap with these bits set; `size` is larger than any of them."""
    ids = array("q", ids)
    if len(ids) * 16 > size:  # many: a digit each, read as one number of base two
        digits = bytearray(b"0") * size
        for number in ids:
            digits[number] = 49  # "1"
        digits.reverse()
        return int(digits, 2)
    octets = bytearray(size // 8 + 1)
    for number in ids:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


def from_bits(bits: int) -> Iterator[int]:
    """The set bits, ascending."""
    return compress(count(), _octets(bits))


def _octets(bits: int) -> bytes:
    """An octet of 0 or 1 for each bit, the lowest first."""
    return f"{bits:b}".encode().translate(DIGITS)[::-1]


@dataclass
class Catalogue:
    """What is published: for each facet and value a bitmap, and the orders in which results are shown."""

    everything: int = 0
    values: dict[str, dict[str, int]] = field(default_factory=lambda: {facet: {} for facet in (*FACETS, "year")})
    newest_keys: dict[int, int] = field(default_factory=dict)
    title_keys: dict[int, str] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=lambda: {"newest": [], "oldest": [], "title": []})
    seen: str = "0"
    matches: dict[Any, Any] = field(default_factory=dict)  # what queries found, for results.py

    def caught_up(self, using: str) -> "Catalogue":
        """This catalogue with what has changed in the database since; itself if nothing has.

        It is never changed in place: another thread may be in the middle of a search.
        """
        with connections[using].cursor() as cursor:
            if self.seen == "0":
                fresh = Catalogue()
                if fresh._load(cursor):
                    return fresh
            else:
                fresh = self
            cursor.execute(CHANGED, [fresh.seen])
            rows = cursor.fetchall()
        changed = [row[1:] for row in rows if row[1] is not None]
        if changed:
            fresh = fresh._copy()
            fresh._apply(changed)
        fresh.seen = rows[0][0]
        return fresh

    def _copy(self) -> "Catalogue":
        return Catalogue(
            self.everything,
            {facet: values.copy() for facet, values in self.values.items()},
            self.newest_keys.copy(),
            self.title_keys.copy(),
            {order: ids.copy() for order, ids in self.orders.items()},
            self.seen,
        )

    def _load(self, cursor: Any) -> bool:
        """Everything that is public, into an empty catalogue; True if one query was enough and nothing can have changed."""
        ids: array[int] = array("q")
        members: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        last, batches = -1, 0
        while True:
            cursor.execute(FIRST, [last, BATCH])
            rows = cursor.fetchall()
            batches += 1
            if rows and self.seen == "0":
                self.seen = rows[0][0]
            for _seen, number, facets, year, newest, title in rows:
                ids.append(number)
                for value in [*facets, f"year:{year}"] if year else facets:
                    members[value].append(number)
                self.newest_keys[number], self.title_keys[number] = newest, title
            if len(rows) < BATCH:
                break
            last = rows[-1][1]
        size = ids[-1] + 1 if ids else 1
        for value, numbers in members.items():
            facet, _colon, code = value.partition(":")
            self.values[facet][code] = to_bits(numbers, size)
        self.everything = to_bits(ids, size)
        for order in self.orders:
            self.orders[order] = sorted(ids, key=self._order_key(order))
        return batches == 1

    def _apply(self, rows: list[tuple[Any, ...]]) -> None:
        size = max([*(row[0] for row in rows), self.everything.bit_length()]) + 1
        touched = {row[0] for row in rows}
        stale = touched & self.newest_keys.keys()
        fresh = [row for row in rows if row[1]]
        if stale:
            keep = ~to_bits(stale, size)
            self.everything &= keep
            for values in self.values.values():
                for code in list(values):
                    values[code] &= keep
                    if not values[code]:
                        del values[code]
        self._reorder(stale, fresh)
        members: dict[str, dict[str, list[int]]] = {facet: {} for facet in self.values}
        for number, _public, facets, year, _newest, _title in fresh:
            for value in facets:
                facet, _colon, code = value.partition(":")
                members[facet].setdefault(code, []).append(number)
            if year:
                members["year"].setdefault(str(year), []).append(number)
        for facet, codes in members.items():
            for code, ids in codes.items():
                self.values[facet][code] = self.values[facet].get(code, 0) | to_bits(ids, size)
        self.everything |= to_bits((row[0] for row in fresh), size)

    def _order_key(self, order: str) -> Callable[[int], tuple[Any, ...]]:
        newest, title = self.newest_keys, self.title_keys
        keys: dict[str, Callable[[int], tuple[Any, ...]]] = {
            "newest": lambda number: (-newest[number], title[number], number),
            "oldest": lambda number: (newest[number] or LATEST_FIRST, title[number], number),
            "title": lambda number: (title[number], number),
        }
        return keys[order]

    def _reorder(self, stale: set[int], fresh: list[tuple[Any, ...]]) -> None:
        few = len(stale) + len(fresh) < 200
        if few:
            for order, ids in self.orders.items():
                key = self._order_key(order)
                for number in stale:
                    del ids[bisect_left(ids, key(number), key=key)]
        for number in stale:
            del self.newest_keys[number], self.title_keys[number]
        for number, _public, _facets, _year, newest, title in fresh:
            self.newest_keys[number], self.title_keys[number] = newest, title
        for order, ids in self.orders.items():
            key = self._order_key(order)
            if few:
                for row in fresh:
                    insort(ids, row[0], key=key)
            else:
                self.orders[order] = sorted(self.newest_keys, key=key)

    # Questions -----------------------------------------------------------------------

    def having(self, facet: str, codes: Iterable[str]) -> int:
        """Resources with any of the values."""
        bits = 0
        for code in codes:
            bits |= self.values[facet].get(code, 0)
        return bits

    def in_years(self, first: int | None, last: int | None) -> int:
        """Resources of a known year between two years, both included."""
        return self.having(
            "year", [year for year in self.values["year"] if (first or 0) <= int(year) <= (last or 9999)]
        )

    def counts(self, facet: str, among: int) -> dict[str, int]:
        """How many resources of a bitmap have each value; values that none has are left out."""
        if among == self.everything:
            found = ((code, bits.bit_count()) for code, bits in self.values[facet].items())
        else:
            found = ((code, (bits & among).bit_count()) for code, bits in self.values[facet].items())
        return {code: count for code, count in found if count}

    def in_order(self, order: str, bits: int, most: int | None = None) -> list[int]:
        """The resources of a bitmap, or the first `most` of them, by `newest`, `oldest` or `title`."""
        everything = self.orders[order]
        if bits == self.everything:
            return everything[:most]
        if bits.bit_count() < len(everything) // 50:
            return sorted(from_bits(bits), key=self._order_key(order))[:most]
        octets = _octets(bits).ljust(self.everything.bit_length(), b"\0")
        return list(islice(compress(everything, map(octets.__getitem__, everything)), most))


_catalogues: dict[str, Catalogue] = {}
_lock = threading.Lock()


def current(using: str = "default") -> Catalogue:
    """The catalogue as the database has it now.

    Inside a transaction it is read afresh and not kept: a rollback would leave it wrong.
    """
    if connections[using].in_atomic_block:
        return Catalogue().caught_up(using)
    with _lock:
        _catalogues[using] = _catalogues.get(using, Catalogue()).caught_up(using)
        return _catalogues[using]


def forget_matches() -> None:
    """Drops what queries found, for honest measurements."""
    for catalogue in _catalogues.values():
        catalogue.matches.clear()
