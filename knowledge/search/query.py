"""What a reader types, understood: words, "phrases", OR, -not; phrases of the thesaurus bring their synonyms.

`parse()` gives a `Query`; `Query.sql()` writes it as a PostgreSQL expression that calls `knowledge_query()`
(migrations/0002_search.sql), where each language's words are looked after.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from knowledge import identifiers

MOST_CHARACTERS = 200
MOST_TERMS = 24
HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff"
HAN_RUN = re.compile(f"[{HAN}]+")
HAN_PARTICLES = re.compile("[的和与及在对从了或、]|以及|关于|如何")
TOKEN = re.compile(r'(-?)"([^"]*)"?|(\S+)')
PUNCTUATION = ".,;:!?()[]{}<>«»“”„‘’'`*&|\\/~^=+#،؛؟。，；：？！（）《》「」"


def arabic(text: str) -> str:
    """As knowledge_arabic() in the database: one form of each letter, article and common endings off."""
    text = re.sub("[\u064b-\u065f\u0670\u0640]", "", text).translate(str.maketrans("أإآٱىؤئة", "ااااييءه"))
    text = re.sub(r"\b[وف]?(?:[بك]?ال|لل)(?=[\u0621-\u064a]{3,})", "", text)
    text = re.sub(r"\bال(?=[\u0621-\u064a]{3,})", "", text)
    text = re.sub(r"\bو(?=[\u0621-\u064a]{4,})", "", text)
    return re.sub(r"([\u0621-\u064a]{3,}?)(?:يات|ات|يه|ين|ون|ان|ها|هم|ه|ي)\b", r"\1", text)


RUSSIAN_ENDING = re.compile(
    "(?<=[а-я]{3})(?:ыми|ими|ого|его|ому|ему|ами|ями|ых|их|ые|ие|ыи|ии|ои|еи|ая|яя|ое|ее|ую|юю|ым|им|ов|ев|ам|ям|ах|ях|ом|ем"
    r"|ы|и|а|я|у|ю|о|е|ь)\b"
)


@lru_cache(maxsize=50_000)  # each word of twenty summaries, at each request
def fold(text: str) -> str:
    """How thesaurus terms are compared: lower case; no accents, hyphens, elisions; without the endings of number and case."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("ё", "е"))
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = re.sub(r"\b(?:[ldjmtsnc]|qu)['’](?=\w)|['’]s\b", "", text)
    text = re.sub(r"[-‐‑–/'’]+", " ", text)
    words = arabic(RUSSIAN_ENDING.sub("", unicodedata.normalize("NFC", text))).split()
    return " ".join(
        word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word for word in words
    )


@dataclass(frozen=True)
class Thesaurus:
    """The active synonyms: which terms a folded phrase stands for."""

    terms_of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Iterable[Sequence[str]]) -> "Thesaurus":
        return cls({fold(term): tuple(terms) for terms in groups for term in terms})

    @property
    def longest(self) -> int:
        return max((len(phrase.split()) for phrase in self.terms_of), default=0)


@dataclass(frozen=True)
class Term:
    """A word or phrase, with what else it stands for."""

    text: str
    is_phrase: bool = False
    synonyms: tuple[str, ...] = ()

    def sql(self) -> tuple[str, list[Any]]:
        """An expression of type tsquery and its parameters."""
        if self.synonyms:
            return "public.knowledge_concept_query(%s::text[])", [list(self.synonyms)]
        found: list[tuple[str, list[Any]]] = [("public.knowledge_query(%s, %s)", [self.text, self.is_phrase])]
        pieces = [] if self.is_phrase else han_pieces(self.text)
        if len(pieces) > 1:
            found.append((" && ".join(["public.knowledge_query(%s, true)"] * len(pieces)), list(pieces)))
        parameters = [parameter for _sql, values in found for parameter in values]
        return "(" + " || ".join(f"({sql})" for sql, _values in found) + ")", parameters

    @property
    def parts(self) -> tuple["Term", ...]:
        """What may be looked for apart: the pairs of a longer run of Chinese; any other term is one part."""
        pairs = [] if self.is_phrase or self.synonyms else han_pairs(self.text)
        return tuple(Term(pair, is_phrase=True) for pair in pairs) if len(pairs) > 1 else (self,)


@dataclass(frozen=True)
class Query:
    """All of `wanted` (each a list of alternatives), none of `unwanted`."""

    text: str = ""
    wanted: tuple[tuple[Term, ...], ...] = ()
    unwanted: tuple[Term, ...] = ()
    any_word: bool = False

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)

    @property
    def terms(self) -> list[Term]:
        return [term for group in self.wanted for term in group]

    @property
    def expansions(self) -> list[tuple[str, list[str]]]:
        """What was also searched: each thesaurus phrase as typed, with its other terms."""
        return [
            (term.text, [other for other in term.synonyms if fold(other) != fold(term.text)])
            for term in self.terms
            if term.synonyms
        ]

    def loosened(self) -> "Query":
        """The same with any of the words instead of all."""
        parts: list[tuple[Term, ...]] = []
        for alternatives in self.wanted:
            parts += [(part,) for part in alternatives[0].parts] if len(alternatives) == 1 else [alternatives]
        return replace(self, wanted=tuple(parts[:MOST_TERMS]), any_word=True)

    def sql(self) -> tuple[str, str, list[Any]]:
        """Expressions for what is wanted, a tsquery for each group, and what is not; and their parameters in that order."""
        groups, wanted_parameters = _joined(
            [_joined([term.sql() for term in group], " || ") for group in self.wanted], ", "
        )
        unwanted, unwanted_parameters = _joined([term.sql() for term in self.unwanted], " || ")
        return f"ARRAY[{groups}]::tsquery[]", unwanted or "''::tsquery", [*wanted_parameters, *unwanted_parameters]


def _joined(parts: Sequence[tuple[str, list[Any]]], operator: str) -> tuple[str, list[Any]]:
    return operator.join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def han_pairs(text: str) -> list[str]:
    """All pairs of neighbours in a run of Chinese."""
    return [text[place : place + 2] for place in range(len(text) - 1)] if HAN_RUN.fullmatch(text) else []


def han_pieces(text: str) -> list[str]:
    """A longer run of Chinese without spaces, cut into pairs: most words have two characters."""
    if not HAN_RUN.fullmatch(text) or len(text) < 4:
        return []
    pieces = [text[place : place + 2] for place in range(0, len(text) - 1, 2)]
    return pieces if len(text) % 2 == 0 else [*pieces, text[-2:]]


def parse(text: str, thesaurus: Thesaurus | None = None) -> Query:
    """Never fails: what cannot be understood is dropped. Without a thesaurus, no synonyms."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text)[:MOST_CHARACTERS].split())
    tokens = _tokens(text)
    wanted: list[tuple[Term, ...]] = []
    unwanted: list[Term] = []
    joins = False
    for token in _with_synonyms(tokens, thesaurus or Thesaurus()):
        if not isinstance(token, _Token):  # OR
            joins = bool(wanted)
            continue
        if token.negated:
            unwanted.append(token.term)
        elif joins:
            wanted[-1] = (*wanted[-1], token.term)
        else:
            wanted.append((token.term,))
        joins = False
    return Query(text, tuple(wanted[:MOST_TERMS]), tuple(unwanted[:MOST_TERMS]))


@dataclass(frozen=True)
class _Token:
    term: Term
    negated: bool = False

    @property
    def is_plain(self) -> bool:
        return not (self.negated or self.term.is_phrase)


def _tokens(text: str) -> list["_Token | str"]:
    doi = identifiers.DOI.search(text)
    isbn = identifiers.normalise_isbn(text)
    if identifiers.is_isbn(isbn):
        return [_Token(Term(isbn, is_phrase=True))]
    if doi:
        return [_Token(Term(identifiers.normalise_doi(text), is_phrase=True))]
    tokens: list[_Token | str] = []
    for minus, phrase, word in TOKEN.findall(text):
        if phrase.strip(PUNCTUATION + " "):
            tokens.append(_Token(Term(" ".join(phrase.split()), is_phrase=True), negated=bool(minus)))
        elif word == "OR":
            tokens.append("OR")
        elif word:
            negated = word.startswith("-") and len(word) > 1
            bare = word.lstrip("-").strip(PUNCTUATION)
            if identifiers.is_isbn(identifiers.normalise_isbn(bare)):
                bare = identifiers.normalise_isbn(bare)
            if not any(character.isalnum() for character in bare):
                continue
            tokens += [_Token(Term(piece), negated) for piece in _han_split(bare)]
    return tokens


def _han_split(word: str) -> list[str]:
    """Chinese and other scripts apart, and Chinese cut at particles."""
    if not HAN_RUN.search(word):
        return [word]
    pieces = re.findall(f"[{HAN}]+|[^{HAN}]+", word)
    return [
        part
        for piece in pieces
        for part in (HAN_PARTICLES.split(piece) if HAN_RUN.fullmatch(piece) and len(piece) > 2 else [piece])
        if part.strip(PUNCTUATION)
    ]


def _with_synonyms(tokens: list["_Token | str"], thesaurus: Thesaurus) -> list["_Token | str"]:
    """The longest phrases of the thesaurus, first to last, become one term with its synonyms."""
    found: list[_Token | str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if isinstance(token, str) or token.negated:
            found.append(token)
            place += 1
            continue
        width = 1 if token.term.is_phrase else _run_of_plain(tokens, place, max(thesaurus.longest, 1))
        for length in range(width, 0, -1):
            phrase = " ".join(t.term.text for t in tokens[place : place + length] if isinstance(t, _Token))
            synonyms = thesaurus.terms_of.get(fold(phrase))
            if synonyms:
                found.append(_Token(Term(phrase, is_phrase=length > 1 or token.term.is_phrase, synonyms=synonyms)))
                place += length
                break
        else:
            found += _han_with_synonyms(token, thesaurus) if token.is_plain else [token]
            place += 1
    return found


def _run_of_plain(tokens: list["_Token | str"], place: int, longest: int) -> int:
    width = 0
    for token in tokens[place : place + longest]:
        if isinstance(token, str) or not token.is_plain:
            break
        width += 1
    return width


def _han_with_synonyms(token: _Token, thesaurus: Thesaurus) -> list["_Token | str"]:
    """Thesaurus terms inside a run of Chinese, longest first; what is between them stays."""
    text = token.term.text
    if not HAN_RUN.fullmatch(text):
        return [token]
    for length in range(len(text), 1, -1):
        for start in range(len(text) - length + 1):
            synonyms = thesaurus.terms_of.get(text[start : start + length])
            if synonyms:
                middle = _Token(Term(text[start : start + length], synonyms=synonyms))
                sides = [_Token(Term(side)) if side else None for side in (text[:start], text[start + length :])]
                before = _han_with_synonyms(sides[0], thesaurus) if sides[0] else []
                after = _han_with_synonyms(sides[1], thesaurus) if sides[1] else []
                return [*before, middle, *after]
    return [token]
