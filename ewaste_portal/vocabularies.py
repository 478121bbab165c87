"""The controlled vocabularies of data/vocabularies.csv: codes, and labels in the six languages."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.utils.deconstruct import deconstructible
from django.utils.functional import lazy
from django.utils.translation import get_language

DATA = Path(__file__).parent / "data"
COLUMNS = {"ar": "ar", "zh-hans": "zh_hans", "en": "en", "fr": "fr", "ru": "ru", "es": "es"}


@cache
def _rows() -> dict[str, dict[str, dict[str, str]]]:
    vocabularies: dict[str, dict[str, dict[str, str]]] = {}
    with (DATA / "vocabularies.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            labels = {language: row[column] for language, column in COLUMNS.items()}
            vocabularies.setdefault(row["vocabulary"], {})[row["code"]] = labels
    return vocabularies


def names() -> list[str]:
    return list(_rows())


def codes(vocabulary: str) -> list[str]:
    """The codes of a vocabulary, in the order of the file. KeyError for an unknown vocabulary."""
    return list(_rows()[vocabulary])


def label(vocabulary: str, code: str, language: str | None = None) -> str:
    """The label of a code in a language (the active one if None); the code itself where it is not known."""
    labels = _rows()[vocabulary].get(code)
    if labels is None:
        return code
    return labels.get(language or get_language() or "en") or labels["en"]


def labels(vocabulary: str, code: str) -> list[str]:
    """All six labels, in the order of COLUMNS."""
    return list(_rows()[vocabulary][code].values())


_lazy_label = lazy(label, str)


@deconstructible
class Choices:
    """For a field's `choices`: the pairs of a vocabulary, with labels that follow the reader's language."""

    def __init__(self, vocabulary: str) -> None:
        self.vocabulary = vocabulary

    def __call__(self) -> Iterator[tuple[str, str]]:
        return ((code, _lazy_label(self.vocabulary, code)) for code in codes(self.vocabulary))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choices) and other.vocabulary == self.vocabulary

    def __hash__(self) -> int:
        return hash(self.vocabulary)
