"""The facets of all published resources as bitmaps in memory: one integer a value, one bit a resource.

PostgreSQL keeps `knowledge_searchdocument` true; each process keeps this copy and, at every request, reads in one query
what has changed since (rows written by transactions that its last snapshot did not see). So a count is exact, costs
microseconds, and is never older than the request. See docs/decisions/0004-facets-as-bitmaps.md.
"""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

FACETS = ("type", "topic", "language", "publisher", "place", "category", "target")  # in the order of the page
LATEST_FIRST = 1_000_000  # larger than any newest_key, to turn the order round

CHANGED = """
    WITH now AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
    SELECT now.xmin::text, document.resource_id, document.is_public, document.facets, document.year,
           document.newest_key, document.title_key
    FROM now LEFT JOIN knowledge_searchdocument document ON document.changed >= %s::xid8 AND (%s OR document.is_public)
"""


def to_bits(ids: Iterable[int], size: int) -> int:
    """A bitmap with these bits set; `size` is larger than any of them."""
    octets = bytearray(size // 8 + 1)
    for number in ids:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


def from_bits(bits: int) -> Iterator[int]:
    """The set bits, ascending."""
    for place, octet in enumerate(bits.to_bytes((bits.bit_length() + 7) // 8, "little")):
        while octet:
            lowest = octet & -octet
            yield (place << 3) + lowest.bit_length() - 1
            octet ^= lowest


@dataclass
class Catalogue:
    """What is published: for each facet and value a bitmap, and the orders in which results are shown."""

    everything: int = 0
    values: dict[str, dict[str, int]] = field(default_factory=lambda: {facet: {} for facet in (*FACETS, "year")})
    newest_keys: dict[int, int] = field(default_factory=dict)
    title_keys: dict[int, str] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=lambda: {"newest": [], "oldest": [], "title": []})
    seen: str = "0"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self, using: str) -> None:
        """Takes in what has changed in the database since the last call: one query."""
        with self.lock:
            with connections[using].cursor() as cursor:
                cursor.execute(CHANGED, [self.seen, self.seen != "0"])
                rows = cursor.fetchall()
            changed = [row[1:] for row in rows if row[1] is not None]
            if changed:
                self._apply(changed)
            self.seen = rows[0][0]

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

    def in_order(self, order: str, bits: int) -> list[int]:
        """The resources of a bitmap, by `newest`, `oldest` or `title`."""
        if bits.bit_count() < 2_000:
            return sorted(from_bits(bits), key=self._order_key(order))
        octets = bits.to_bytes(self.everything.bit_length() // 8 + 1, "little")
        return [number for number in self.orders[order] if octets[number >> 3] >> (number & 7) & 1]


_catalogues: dict[str, Catalogue] = {}


def current(using: str = "default") -> Catalogue:
    """The catalogue as the database has it now.

    Inside a transaction it is read afresh and not kept: a rollback would leave it wrong.
    """
    catalogue = Catalogue() if connections[using].in_atomic_block else _catalogues.setdefault(using, Catalogue())
    catalogue.catch_up(using)
    return catalogue
