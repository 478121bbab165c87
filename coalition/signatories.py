"""The signatories of a letter, in protocol order: alphabetical in the reader's language.

Names are compared without case and accents. In Arabic the article is passed over; ñ and й keep their own place in
Spanish and Russian; Chinese names follow radical and stroke, as Unicode orders them. Names that are not written in the
reader's script come last. The database has no collations for this, so the order is made here, of names alone.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from coalition.models import Entity, Letter, Signature
from coalition.querysets import SignatureQuerySet
from ewaste_portal import vocabularies

SCRIPTS = {"ar": "ARABIC", "ru": "CYRILLIC", "zh-hans": "CJK"}
OWN_LETTERS = {"es": {"ñ": "n\U0010ffff"}, "ru": {"й": "и\U0010ffff"}}
ARTICLE = "ال"


@dataclass
class Signatory:
    """An entity on the list: its signature, and what it said later."""

    signature: Signature
    later: list[Signature] = field(default_factory=list)

    @property
    def entity(self) -> Entity:
        return self.signature.entity

    @property
    def was_called(self) -> str:
        """The name as signed, where the entity has another one in every language today."""
        names = {getattr(self.entity, f"official_name_{column}") for column in vocabularies.COLUMNS.values()}
        return "" if self.signature.entity_name in names else self.signature.entity_name


def order_key(name: str, language: str) -> tuple[bool, str, str]:
    """For `sorted`: places a name among others in a language."""
    script = SCRIPTS.get(language, "")
    first = next((character for character in name if character.isalpha()), "")
    is_foreign = bool(script and first and not unicodedata.name(first, "").startswith(script))
    text = name.strip().casefold()
    if language == "ar":
        text = text.removeprefix(ARTICLE)
    own = OWN_LETTERS.get(language, {})
    folded = "".join(own.get(character) or _bare(character) for character in unicodedata.normalize("NFC", text))
    return is_foreign, folded, text


def _bare(character: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))


def of(letter: Letter, *, on: date | None = None) -> SignatureQuerySet:
    """One signature for each entity on the list of a letter: its first. With a day: of those that stood on that day.

    Real letters list real entities only, the demonstration letter lists what was made up for it.
    """
    signatures = Signature.objects.listed().filter(letter=letter, is_example=letter.is_example)
    signatures = signatures.standing(on=on) if on else signatures.filter(kind__in=["original", "reaffirmation"])
    first = signatures.order_by("membership_id", "signed_on", "pk").distinct("membership_id").values("pk")
    return Signature.objects.filter(pk__in=first)


def in_order(signatures: SignatureQuerySet, language: str) -> list[int]:
    """The numbers of the signatures in protocol order; one query, however many there are."""
    column = f"entity__official_name_{vocabularies.COLUMNS[language]}"
    rows = signatures.order_by().values_list("pk", column, "entity__official_name_en", "entity_name")
    names = {pk: own or english or signed for pk, own, english, signed in rows}
    return sorted(names, key=lambda pk: (order_key(names[pk], language), pk))


def load(numbers: Iterable[int], *, until: date | None = None) -> list[Signatory]:
    """The signatories of these signatures, in this order, with what they reaffirmed or withdrew; two queries."""
    wanted = list(numbers)
    rows = (
        Signature.objects.filter(pk__in=wanted)
        .defer("evidence", "private")
        .select_related("entity", "membership")
        .in_bulk()
    )
    found = {row.membership_id: Signatory(row) for row in rows.values()}
    # a withdrawal takes effect at once, a reaffirmation is shown when it is countersigned
    later = (Signature.objects.listed() | Signature.objects.filter(kind="withdrawal")).exclude(kind="original")
    later = later.filter(membership__in=found, signed_on__lte=until or date.max).exclude(pk__in=wanted)
    for signature in later.defer("evidence", "private").order_by("signed_on", "pk"):
        found[signature.membership_id].later.append(signature)
    return [found[rows[number].membership_id] for number in wanted]
