"""Differences between two versions of a letter, word by word, in one language.

A *word* is a run of letters and digits with the spaces after it; each Chinese character and each sign is a word of its
own, since Chinese puts no spaces. Paragraphs stay apart: a blank line is a word too.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORDS = re.compile(rf"\n\s*\n|[{HAN}]|[^\W{HAN}]+[^\S\n]*|\n|[^\w\s][^\S\n]*|[^\S\n]+")
PARAGRAPH = "\n\n"


@dataclass(frozen=True)
class Piece:
    """Words that stand in both versions, only in the older, or only in the newer."""

    kind: Literal["same", "removed", "added"]
    text: str


def words(text: str) -> list[str]:
    return [
        PARAGRAPH if word.startswith("\n") and word.count("\n") > 1 else word for word in WORDS.findall(_even(text))
    ]


def _even(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


@lru_cache(maxsize=32)  # published letters never change
def compare(older: str, newer: str) -> tuple[tuple[Piece, ...], ...]:
    """The newer text's paragraphs with what was removed from the older, as pieces in reading order."""
    before, after = words(older), words(newer)
    paragraphs: list[list[Piece]] = [[]]
    for operation, a1, a2, b1, b2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            _append(paragraphs, "same", after[b1:b2])
            continue
        _append(paragraphs, "removed", before[a1:a2])
        _append(paragraphs, "added", after[b1:b2])
    return tuple(tuple(pieces) for pieces in paragraphs if pieces)


def _append(paragraphs: list[list[Piece]], kind: Literal["same", "removed", "added"], run: list[str]) -> None:
    for number, part in enumerate(_split(run)):
        if number:
            paragraphs.append([])
        if part:
            paragraphs[-1].append(Piece(kind, "".join(part)))


def _split(run: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in run:
        if word == PARAGRAPH:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def counts(paragraphs: tuple[tuple[Piece, ...], ...]) -> tuple[int, int]:
    """How many words were removed and added; signs and line breaks do not count."""

    def total(kind: str) -> int:
        pieces = (piece.text for paragraph in paragraphs for piece in paragraph if piece.kind == kind)
        return sum(1 for text in pieces for word in words(text) if re.match(r"\w", word))

    return total("removed"), total("added")
