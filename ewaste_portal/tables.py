"""Tables to download: CSV in UTF-8 that spreadsheets open without running anything."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

BYTE_ORDER_MARK = "\ufeff"  # else some spreadsheets take UTF-8 for something older


class _Echo:
    def write(self, line: str) -> str:
        return line


def is_formula(text: str) -> bool:
    """True for what a spreadsheet may run: also behind blanks and invisible characters, also in full width."""
    seen = (character for character in text if unicodedata.category(character)[0] not in "CZ")  # control, blank
    return text[:1] in {"\t", "\r", "\n"} or unicodedata.normalize("NFKC", next(seen, "")) in {"=", "+", "-", "@"}


def safe_cell(value: Any) -> str:
    """What a spreadsheet would read as a formula gets an apostrophe in front."""
    text = str(value or "")
    return f"'{text}" if is_formula(text) else text


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file, one by one, for a StreamingHttpResponse."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])
