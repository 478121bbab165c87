"""How desired outputs and expected outcomes stand: their last word, its age, the evidence that the public may see.

One board serves the page, the whole-event page and the CSV: three queries, however many rows and words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import get_language, gettext as _, ngettext, npgettext, pgettext

from coalition.models import Entity, Letter, Pledge, Signature
from dialogue.models import DesiredOutput, Dialogue, ExpectedOutcome, OutcomeUpdate
from dialogue.times import day_words
from ewaste_portal import vocabularies
from ewaste_portal.context import language_tag

Aim = DesiredOutput | ExpectedOutcome

FINAL = ("achieved", "dropped", "overtaken")  # after which no further word is owed
FAMILIES = {
    "achieved": "success", "partly-achieved": "warning", "under-way": "", "open": "quiet", "dropped": "danger",
    "overtaken": "quiet",
}  # fmt: skip
QUIET_AFTER = timedelta(days=365)
IN_YEARS = 730  # days from which an age is told in years and months


@dataclass(frozen=True)
class Text:
    """A text in the reader's language where there is one, else in English, else in the one that it was written in."""

    words: str
    language: str = ""  # its tag, where it is not the reader's

    @property
    def direction(self) -> str:
        return "rtl" if self.language == "ar" else "ltr"


def shown(row: Any, field: str) -> Text:
    reader = get_language() or "en"
    for code in (reader, "en", *vocabularies.COLUMNS):
        words = getattr(row, f"{field}_{vocabularies.COLUMNS[code]}")
        if words:
            return Text(words, "" if code == reader else language_tag(code))
    return Text("")


# Evidence -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """Something public that a word rests on. `host`: where a link leads that leaves the portal."""

    kind: str
    name: str
    url: str
    host: str = ""


def evidence(update: OutcomeUpdate) -> Iterator[Evidence]:
    """What the public may see of it; no query on rows of `words()`."""
    if (resource := update.resource) is not None and resource.is_published:
        yield Evidence(_("Resource"), resource.display_title, resource.get_absolute_url())
    if (signature := update.signature) is not None and (url := _address_of(signature)):
        name = _("%(entity)s, %(day)s") % {
            "entity": signature.entity_name, "day": day_words(signature.signed_on, weekday=False),
        }  # fmt: skip
        yield Evidence(_("Signature"), name, url)
    for work in (update.pledge, update.initiative):
        if work is not None and work.publication == "published":
            kind = _("Pledge") if isinstance(work, Pledge) else _("Initiative")
            yield Evidence(kind, work.title, work.get_absolute_url())
    if (entity := public_entity(update.entity)) is not None:
        yield Evidence(_("Entity"), entity.official_name, entity.get_absolute_url())
    if (other := update.evidence_dialogue) is not None and other.is_public:
        yield Evidence(_("Dialogue"), other.title, other.get_absolute_url())
    parts = urlsplit(update.evidence_url)
    if parts.scheme in {"http", "https"} and parts.hostname:
        host = parts.hostname.removeprefix("www.")
        yield Evidence(_("Address"), update.evidence_name or host, update.evidence_url, host)


def _address_of(signature: Signature) -> str:
    """Its verification page, or the letter's page where it is known from sources; empty where it is not listed."""
    is_listed = (
        signature.method == Signature.Method.HISTORICAL
        or signature.kind == Signature.Kind.WITHDRAWAL
        or signature.countersigned_at is not None
    )
    if not is_listed:
        return ""
    if signature.code:
        return signature.get_absolute_url()
    return signature.letter.get_absolute_url() if signature.letter.published_at else ""


def public_entity(entity: Entity | None) -> Entity | None:
    """The entity, or the one that it was merged into, where it has a page."""
    found = entity and (entity.merged_into or entity)
    return found if found is not None and found.checked_at is not None and found.merged_into_id is None else None


def has_evidence(update: OutcomeUpdate) -> bool:
    """Some is recorded, whether or not the public may see it."""
    names = ("resource_id", "signature_id", "pledge_id", "entity_id", "initiative_id", "evidence_dialogue_id")
    return bool(update.evidence_url) or any(getattr(update, name) is not None for name in names)


# One output or outcome, and the board of all ------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """An update as a page shows it."""

    update: OutcomeUpdate
    note: Text
    evidence: list[Evidence]

    @property
    def on(self) -> date:
        return self.update.on

    @property
    def family(self) -> str:
        return FAMILIES[self.update.status]

    @property
    def status_label(self) -> str:
        return self.update.get_status_display()

    @property
    def hides_evidence(self) -> bool:
        """All that it rests on is not public, or not any more."""
        return not self.evidence and has_evidence(self.update)


@dataclass(frozen=True)
class Item:
    """`words`: the last first. `silent_since`: the day of the last word, or of the dialogue's end where there is none."""

    aim: Aim
    words: list[Word]
    today: date
    silent_since: date | None

    @property
    def kind(self) -> str:
        return "output" if isinstance(self.aim, DesiredOutput) else "outcome"

    @property
    def text(self) -> Text:
        return shown(self.aim, "text")

    @property
    def last(self) -> Word | None:
        return self.words[0] if self.words else None

    @property
    def earlier(self) -> list[Word]:
        return self.words[1:]

    @property
    def owner(self) -> Entity | None:
        return self.aim.owner if public_entity(self.aim.owner) is not None else None

    @property
    def status_label(self) -> str:
        return self.last.status_label if self.last else _("No word yet")

    @property
    def is_final(self) -> bool:
        return self.last is not None and self.last.update.status in FINAL

    @property
    def is_quiet(self) -> bool:
        """Not settled, and no word for more than a year."""
        return not self.is_final and self.silent_since is not None and self.today - self.silent_since > QUIET_AFTER

    @property
    def is_late(self) -> bool:
        return not self.is_final and self.aim.due_on is not None and self.aim.due_on < self.today

    @property
    def age(self) -> str:
        """“Last word 412 days ago.”; “No news for 3 years and 2 months.” Empty before the dialogue is over."""
        if self.silent_since is None:
            return ""
        if self.last is None:
            return silence_words(self.silent_since, self.today)
        return age_words(self.silent_since, self.today, is_final=self.is_final)


def age_words(since: date, today: date, *, is_final: bool) -> str:
    """In days up to two years; after that in years and months, as silence where more was to be expected."""
    days = max(0, (today - since).days)
    if days == 0:
        return _("Last word today.")
    if days < IN_YEARS:
        return ngettext("Last word %(count)d day ago.", "Last word %(count)d days ago.", days) % {"count": days}
    if not is_final:
        return _("No news for %(span)s.") % {"span": _span_of_silence(since, today)}
    years, months = _years_and_months(since, today)
    first = npgettext("last word … ago", "%(count)d year", "%(count)d years", years) % {"count": years}
    second = npgettext("last word … ago", "%(count)d month", "%(count)d months", months) % {"count": months}
    both = pgettext("last word … ago", "%(years)s and %(months)s") % {"years": first, "months": second}
    return _("Last word %(span)s ago.") % {"span": both if months else first}


def silence_words(since: date, today: date) -> str:
    """Of what nobody has said a word of since the dialogue."""
    days = max(0, (today - since).days)
    if days >= IN_YEARS:
        return _("No news since the dialogue, for %(span)s.") % {"span": _span_of_silence(since, today)}
    text = ngettext(
        "No news since the dialogue, for %(count)d day.", "No news since the dialogue, for %(count)d days.", days
    )
    return text % {"count": days} if days else ""


def _years_and_months(since: date, today: date) -> tuple[int, int]:
    return divmod((today.year - since.year) * 12 + today.month - since.month - (today.day < since.day), 12)


def _span_of_silence(since: date, today: date) -> str:
    years, months = _years_and_months(since, today)
    first = npgettext("no news for …", "%(count)d year", "%(count)d years", years) % {"count": years}
    second = npgettext("no news for …", "%(count)d month", "%(count)d months", months) % {"count": months}
    both = pgettext("no news for …", "%(years)s and %(months)s") % {"years": first, "months": second}
    return both if months else first


@dataclass(frozen=True)
class Board:
    outputs: list[Item]
    outcomes: list[Item]
    today: date

    @property
    def items(self) -> list[Item]:
        return [*self.outputs, *self.outcomes]

    @property
    def sections(self) -> list[tuple[str, str, str, list[Item]]]:
        """Anchor, heading, explanation, items."""
        return [
            ("desired-outputs", _("Desired outputs"), _("What the meeting itself was to yield."), self.outputs),
            ("expected-outcomes", _("Expected outcomes"), _("What was to follow from it."), self.outcomes),
        ]

    @cached_property
    def figures(self) -> list[tuple[int, str]]:
        proven = sum(any(word.evidence for word in item.words) for item in self.items)
        quiet = sum(item.is_quiet for item in self.items)
        return [
            (len(self.items), ngettext("output or outcome", "outputs and outcomes", len(self.items))),
            (proven, _("with public evidence")),
            (quiet, _("unsettled, without a word for more than a year")),
        ]


def words() -> QuerySet[OutcomeUpdate]:
    """Updates with all that `evidence` looks at."""
    return (
        OutcomeUpdate.objects.select_related(
            "resource", "signature__letter", "pledge", "entity__merged_into", "initiative", "evidence_dialogue"
        )
        .defer("signature__evidence", "signature__private")
        .order_by("-on", "-pk")
    )


def today_in(dialogue: Dialogue) -> date:
    return timezone.localdate(timezone=dialogue.zone)


def board(dialogue: Dialogue) -> Board:
    """Three queries. The dialogue has been chosen by whoever may see it."""
    today = today_in(dialogue)
    said: dict[tuple[str, int], list[Word]] = {}
    of_it = Q(desired_output__dialogue=dialogue) | Q(expected_outcome__dialogue=dialogue)
    for update in words().filter(of_it):
        key = (
            ("output", update.desired_output_id)
            if update.desired_output_id
            else ("outcome", update.expected_outcome_id)
        )
        said.setdefault(key, []).append(Word(update, shown(update, "note"), list(evidence(update))))  # type: ignore[arg-type]

    def item(aim: Aim, key: tuple[str, int]) -> Item:
        found = said.get(key, [])
        over = dialogue.last_day if dialogue.phase() == "held" else None
        return Item(aim, found, today, found[0].on if found else over)

    outputs = dialogue.desired_outputs.select_related("owner__merged_into")
    outcomes = dialogue.expected_outcomes.select_related("owner__merged_into")
    return Board(
        [item(aim, ("output", aim.pk)) for aim in outputs],
        [item(aim, ("outcome", aim.pk)) for aim in outcomes],
        today,
    )


# From the Letter to today -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """`kind`: letter, dialogue, word or today."""

    day: date
    kind: str
    label: str = ""
    text: Text | None = None
    url: str = ""
    word: Word | None = None
    is_this: bool = False


def timeline(dialogue: Dialogue, board: Board) -> list[Moment]:
    """Letters, this dialogue, what was said of its aims, the dialogues that followed, today; in order. Two queries at most."""
    moments = [_of_letter(letter) for letter in _letters(dialogue)]
    moments.append(_of_dialogue(dialogue, is_this=True))
    moments += [_of_dialogue(other) for other in _later(dialogue)]
    moments += [
        Moment(word.on, "word", word.status_label, item.text, f"#{item.aim.anchor}", word)
        for item in board.items
        for word in reversed(item.words)
    ]
    moments.append(Moment(board.today, "today"))
    order = {"letter": 0, "dialogue": 1, "word": 2, "today": 3}
    return sorted(moments, key=lambda moment: (moment.day, order[moment.kind]))


def _letters(dialogue: Dialogue) -> list[Letter]:
    """That of the dialogue; of a dialogue without one those of the Coalition."""
    if dialogue.letter is not None:
        return [dialogue.letter] if dialogue.letter.published_at else []
    return list(Letter.objects.published().filter(is_example=dialogue.is_example).order_by("dated"))


def _of_letter(letter: Letter) -> Moment:
    return Moment(letter.dated, "letter", _("Letter of Intent"), shown(letter, "title"), letter.get_absolute_url())


def _of_dialogue(dialogue: Dialogue, *, is_this: bool = False) -> Moment:
    label = _("This dialogue") if is_this else _("A dialogue that followed")
    return Moment(
        dialogue.first_day, "dialogue", label, shown(dialogue, "title"), "" if is_this else dialogue.get_absolute_url(),
        is_this=is_this,
    )  # fmt: skip


def _later(dialogue: Dialogue) -> list[Dialogue]:
    """The public dialogues that follow it, and those that follow these; one query."""
    rows = Dialogue.objects.public().filter(is_example=dialogue.is_example, follows__isnull=False)
    after: dict[int, list[Dialogue]] = {}
    for row in rows.exclude(status="cancelled").defer("overview", "moderator_reason"):
        after.setdefault(row.follows_id, []).append(row)
    found: list[Dialogue] = []
    seen, waiting = {dialogue.pk}, [dialogue.pk]
    while waiting:
        for row in after.get(waiting.pop(), []):
            if row.pk not in seen:
                seen.add(row.pk)
                found.append(row)
                waiting.append(row.pk)
    return found


# For staff ------------------------------------------------------------------------------------------------------------


def quiet(rows: QuerySet[Any], *, on: date | None = None) -> QuerySet[Any]:
    """Of outputs or outcomes those that are not settled, and of which nobody has said anything for more than a year."""
    day = on or timezone.localdate()
    field = "desired_output" if rows.model is DesiredOutput else "expected_outcome"
    last = OutcomeUpdate.objects.filter(**{field: OuterRef("pk")}).order_by("-on", "-pk")
    rows = rows.annotate(last_on=Subquery(last.values("on")[:1]), last_status=Subquery(last.values("status")[:1]))
    limit = day - QUIET_AFTER
    return (
        rows.exclude(dialogue__status__in=["draft", "cancelled"])
        .filter(dialogue__is_example=False)
        .filter(
            Q(last_on__lt=limit) & ~Q(last_status__in=FINAL)
            | Q(last_on__isnull=True, dialogue__ends_at__date__lt=limit)
        )
        .order_by(F("last_on").asc(nulls_first=True), "pk")
    )


# Exchange ---------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "address", "kind", "number", "text", "owner", "due_on", "status", "last_word_on", "on", "word", "note", "evidence",
    "made_up_for_the_demonstration",
)  # fmt: skip


def rows(dialogue: Dialogue, board: Board, absolute: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """A line for each word, the last first; one line for what nobody has said a word of. See views.outcomes."""
    for item in board.items:
        facts = {
            "address": absolute(item.aim.get_absolute_url()),
            "kind": item.kind,
            "number": item.aim.position,
            "text": item.text.words,
            "owner": item.owner.official_name if item.owner else "",
            "due_on": item.aim.due_on,
            "status": item.last.update.status if item.last else "",
            "last_word_on": item.last.on if item.last else "",
            "made_up_for_the_demonstration": "yes" if dialogue.is_example else "no",
        }
        said: list[Word | None] = [*item.words] or [None]
        for word in said:
            yield {
                **facts,
                "on": word.on if word else "",
                "word": word.update.status if word else "",
                "note": word.note.words if word else "",
                "evidence": [f"{proof.name} <{_whole(proof, absolute)}>" for proof in word.evidence] if word else "",
            }


def _whole(proof: Evidence, absolute: Callable[[str], str]) -> str:
    return proof.url if proof.host else absolute(proof.url)
