"""What a visitor may ask of the Coalition's lists: one GET form for the page, the feed and the downloads."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, reduce
from operator import or_
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Case, F, FloatField, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import get_language, gettext as _, gettext_lazy, pgettext, pgettext_lazy

from coalition import facets, lookalikes
from coalition.facets import SQL, Chip, Facet, Found, Relation, address
from coalition.models import Entity, Folded, Initiative, Membership, Pledge
from coalition.standing import STATUSES, TRACKS, current
from ewaste_portal import vocabularies

FIRST_YEAR, LAST_YEAR = 1970, 2100
MOST_VALUES = 50  # chosen at a time
PLACE = re.compile(r"[A-Z]{3}|\d{3}", re.ASCII)
YEAR_WANTED = gettext_lazy("Enter a year such as 2019.")
SLUG = re.compile(r"[\w-]{1,120}", re.ASCII)


class Fold(Func):
    """One text as `Folded` folds it; quicker for thousands of rows, and nothing that a column could keep."""

    template = "lower(public.unaccent(%(expressions)s))"
    output_field = TextField()


def in_six(*fields: str, but: str = "") -> list[str]:
    return [f"{field}_{column}" for field in fields for column in vocabularies.COLUMNS.values() if column != but]


def sort_key(field: str) -> Func:
    """A name as it is alphabetized in the reader's language: folded, in Arabic without the article."""
    column = vocabularies.COLUMNS[get_language() or "en"]
    name: Func = Fold(Coalesce(NullIf(F(f"{field}_{column}"), Value("")), F(f"{field}_en"), Value("")))
    if column == "ar":
        name = Func(name, Value("^ال"), Value(""), function="regexp_replace", output_field=TextField())
    return Func(name, Value(" \"'«»“”‘’„<>(["), function="ltrim", output_field=TextField())


def foreign_last(field: str) -> Case | Value:
    """1 for names that are not in the reader's script, else 0."""
    column = vocabularies.COLUMNS[get_language() or "en"]
    if column not in {"ar", "ru", "zh_hans"}:
        return Value(0.0)
    return Case(When(**{f"{field}_{column}__gt": ""}, then=Value(0.0)), default=Value(1.0), output_field=FloatField())


# Fields ------------------------------------------------------------------------------------------------


class FacetField(forms.Field):
    """Any number of values of one facet; `known` says which of them exist, where the database need not be asked."""

    widget = forms.MultipleHiddenInput

    def __init__(
        self, *, known: Callable[[], Iterable[str]] | None = None, shape: re.Pattern = SLUG, **kwargs: Any
    ) -> None:
        self.known, self.shape = known, shape
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        return list(dict.fromkeys(code for code in value or [] if code))[:MOST_VALUES]

    def validate(self, value: list[str]) -> None:
        known = set(self.known()) if self.known else None
        for code in value:
            if not self.shape.fullmatch(code) or (known is not None and code not in known):
                raise self.unknown(code)

    def unknown(self, code: str) -> ValidationError:
        return ValidationError(
            _("“%(value)s” is not a value of the filter “%(filter)s”: the filter was left out."),
            params={"value": code.replace("\x00", "")[:60], "filter": self.label},
            code="unknown",
        )


class LetterField(FacetField):
    """The first letter of a name; # for what begins with none."""

    def to_python(self, value: Any) -> list[str]:
        return [code.upper() for code in super().to_python(value)][:1]

    def validate(self, value: list[str]) -> None:
        for code in value:
            if len(code) != 1 or not (code.isalpha() or code == "#"):
                raise self.unknown(code)


class YearField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            min_value=FIRST_YEAR,
            max_value=LAST_YEAR,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 4, "autocomplete": "off"}),
            error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), YEAR_WANTED),
            **kwargs,
        )


def codes(vocabulary: str) -> Callable[[], list[str]]:
    return lambda: vocabularies.codes(vocabulary)


STORED = ("place", "entity")  # facets whose values are rows of the database


def stored_names(wanted: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return facets.stored_labels(places=wanted.get("place", ()), entities=wanted.get("entity", ()))


# Forms -------------------------------------------------------------------------------------------------


class ListFilter(forms.Form):
    """`found()` is the search with all that is valid; `problems` says what was left out."""

    q = forms.CharField(required=False, strip=True, label=gettext_lazy("Words"))
    sort = forms.CharField(required=False)

    sorts: ClassVar[tuple[str, ...]] = ("title",)
    labels: ClassVar[Mapping[str, Callable[[str], Any]]] = {}  # names of the values that the portal's words give
    plain_parameters: ClassVar[tuple[str, ...]] = ()  # kept in the address, narrow nothing

    loosened = False

    def clean(self) -> dict[str, Any]:
        """Places and entities are looked up together."""
        cleaned = super().clean() or {}
        asked = [name for name in STORED if cleaned.get(name)]
        if asked:
            self.names = stored_names({name: cleaned[name] for name in asked})
            for name in asked:
                unknown = next((code for code in cleaned[name] if code not in self.names), None)
                if unknown is not None:
                    field: Any = self.fields[name]
                    self.add_error(name, field.unknown(unknown))
        return cleaned

    names: Mapping[str, str] = {}

    @property
    def facet_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, FacetField)]

    @cached_property
    def cleaned(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data

    @property
    def problems(self) -> list[str]:
        return [str(error) for errors in self.errors.values() for error in errors]

    @property
    def text(self) -> str:
        return " ".join((self.cleaned.get("q") or "").split())[:200]

    @cached_property
    def words(self) -> list[str]:
        """Folded; one query if there are any."""
        if not self.text:
            return []
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.coalition_fold(%s)", [self.text])
            return cursor.fetchone()[0].split()[:12]

    @property
    def chosen(self) -> dict[str, list[str]]:
        return {name: found for name in self.facet_names if (found := self.cleaned.get(name))}

    @property
    def order(self) -> str:
        sort = self.cleaned.get("sort")
        return sort if sort in self.sorts else self.sorts[0]

    @property
    def years(self) -> list[tuple[str, str]]:
        return [(name, str(self.cleaned[name])) for name in ("year_from", "year_to") if self.cleaned.get(name)]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The address of this search: valid values only, in one order, empty ones dropped."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [(name, code) for name, chosen in self.chosen.items() for code in chosen]
        pairs += self.years
        if self.order != self.sorts[0]:
            pairs.append(("sort", self.order))
        return pairs

    @property
    def narrowing(self) -> list[tuple[str, str]]:
        return [pair for pair in self.parameters if pair[0] not in {"sort", *self.plain_parameters}]

    def changed(self, path: str, name: str, *new: str) -> str:
        """The address of this search with other values of one parameter."""
        return address(
            path, [*(pair for pair in self.parameters if pair[0] != name), *((name, value) for value in new)]
        )

    def sorted_by(self, path: str, name: str) -> str:
        return self.changed(path, "sort", *([name] if name != self.sorts[0] else []))

    # What is found

    def rows(self, *, like: bool = False) -> QuerySet:
        """(id, rank, key, made_up) of all that the words match; with `like`, of what resembles them."""
        raise NotImplementedError

    def relations(self) -> dict[str, Relation]:
        raise NotImplementedError

    def beforehand(self) -> dict[str, SQL]:
        return {}

    def found(self, **options: Any) -> Found:
        """Where nothing has the words, what resembles them (`loosened`)."""
        relations, chosen, beforehand = self.relations(), self.chosen, self.beforehand()
        found = facets.find(self.rows(), relations, chosen, beforehand=beforehand, **options)
        if not found.matched and threes(self.words):
            self.loosened = True
            found = facets.find(self.rows(like=True), relations, chosen, beforehand=beforehand, **options)
        return found

    # How it is shown

    def label(self, name: str, code: str) -> str:
        return str(self.labels[name](code)) if name in self.labels else self.names.get(code, code)

    def name_values(self, found: Found) -> None:
        """Looks up the names of all values that the page may print; one query, or none."""
        self.names = stored_names({name: {*found.counts.get(name, {}), *self.chosen.get(name, [])} for name in STORED})

    def facets(self, found: Found, *, but: Iterable[str] = ()) -> list[Facet]:
        shown = []
        for name in self.facet_names:
            chosen = self.chosen.get(name, [])
            values = facets.values(found.counts.get(name, {}), chosen, lambda code, name=name: self.label(name, code))
            if values and name not in but:
                shown.append(Facet(name, str(self.fields[name].label), values))
        return shown

    def chips(self, path: str) -> list[Chip]:
        """One for each active filter; its link is the same search without it."""
        pairs = self.parameters
        return [
            Chip(str(self.fields[name].label), self.label(name, code), address(path, [*pairs[:at], *pairs[at + 1 :]]))
            for at, (name, code) in enumerate(pairs)
            if name in self.facet_names or name.startswith("year_")
        ]


def sort_name(name: str) -> str:
    return {"newest": _("Newest"), "title": pgettext("order of results", "Title")}[name]


class EntityFilter(ListFilter):
    kind = FacetField(known=codes("entity_kind"), label=pgettext_lazy("of an entity", "Kind"))
    place = FacetField(shape=PLACE, label=gettext_lazy("Country or region"))
    track = FacetField(known=lambda: TRACKS, label=gettext_lazy("Track"))
    status = FacetField(known=lambda: STATUSES, label=gettext_lazy("Status"))
    letter = LetterField(label=gettext_lazy("First letter"))
    view = forms.CharField(required=False)

    plain_parameters = ("view",)
    labels: ClassVar = {
        "kind": lambda code: vocabularies.label("entity_kind", code),
        "track": lambda code: TRACKS.get(code, code),
        "status": lambda code: STATUSES.get(code, code),
        "letter": lambda code: code,
    }

    @property
    def is_table(self) -> bool:
        return self.cleaned.get("view") == "table"

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return [*super().parameters, *([("view", "table")] if self.is_table else [])]

    def rows(self, *, like: bool = False) -> QuerySet:
        entities = Entity.objects.public()
        rank: Any = foreign_last("official_name")
        if like:
            rank = Value(0.0)
            for known in (lookalikes.near(self.text) or {word: {word: 1.0} for word in self.words}).values():
                either = reduce(or_, (Q(lookalikes.has(word)) for word in known))
                entities, rank = entities.filter(either), rank - lookalikes.likeness_of(known)
        else:
            entities = entities.filter(*(lookalikes.has(word) for word in self.words))
        return (
            entities.annotate(rank=rank, key=sort_key("official_name"), made_up=F("is_example"))
            .order_by()
            .values("id", "rank", "key", "made_up", "kind", "country_id")
        )

    def beforehand(self) -> dict[str, SQL]:
        listed, parameters = Membership.objects.listed().order_by().values("id").query.sql_with_params()
        return {"standing": SQL(current(listed), parameters)}

    def relations(self) -> dict[str, Relation]:
        above = "JOIN ewaste_portal_country c ON c.iso3 = country_id JOIN lineage l ON l.leaf = c.region_id"
        track, status = self.chosen.get("track", []), self.chosen.get("status", [])
        both = frozenset({"track", "status"})
        return {
            "kind": Relation("SELECT id, kind FROM {rows} r"),
            "place": Relation(
                f"SELECT id, country_id FROM {{rows}} r UNION ALL SELECT id, l.place FROM {{rows}} r {above}",  # noqa: S608
                counts=f"""
                    WITH n AS (SELECT country_id, count(*) AS number FROM {{rows}} r WHERE country_id IS NOT NULL GROUP BY 1)
                    SELECT country_id, number FROM n UNION ALL SELECT l.place, sum(number)::bigint FROM n {above} GROUP BY 1""",  # noqa: S608
            ),
            "track": Relation(
                """SELECT id, coalesce(s.track, 'none') FROM {rows} r LEFT JOIN standing s USING (id)
                   WHERE cardinality(%s::text[]) = 0 OR s.status = ANY (%s)""",
                [status, status],
                beside=both,
            ),
            "status": Relation(
                """SELECT DISTINCT id, s.status FROM {rows} r JOIN standing s USING (id)
                   WHERE cardinality(%s::text[]) = 0 OR s.track = ANY (%s)""",
                [track, track],
                beside=both,
            ),
            "letter": Relation(
                "SELECT id, CASE WHEN left(key, 1) ~ '[[:alpha:]]' THEN upper(left(key, 1)) ELSE '#' END FROM {rows} r"
            ),
        }


def threes(words: Iterable[str]) -> list[str]:
    """All groups of three letters in the words; without one there is no likeness to measure."""
    groups = {word[at : at + 3] for word in words for at in range(len(word) - 2)}
    return sorted(group for group in groups if group.isalnum())


def with_words(rows: QuerySet, words: list[str], columns: Iterable[str], *, like: bool) -> QuerySet:
    """Rows whose columns have all of the words; with `like`, something that resembles each of them."""
    if not words:
        return rows
    rows = rows.annotate(names=Folded(*columns))
    return rows.filter(*(Q(names__trigram_word_similar=word) if like else lookalikes.has(word) for word in words))


# An entity that was merged counts as its successor.
ENTITY_SLUGS = """
    SELECT DISTINCT w.id, root.slug FROM ({who}) AS w(id, entity_id) JOIN {{rows}} r USING (id)
    JOIN coalition_entity e ON e.id = w.entity_id JOIN coalition_entity root ON root.id = coalesce(e.merged_into_id, e.id)
"""


class InitiativeFilter(ListFilter):
    entity = FacetField(label=gettext_lazy("Entity"))
    kind = FacetField(known=codes("initiative_kind"), label=pgettext_lazy("of an initiative", "Kind"))
    focus = FacetField(known=codes("initiative_focus"), label=gettext_lazy("Focus"))
    stage = FacetField(known=codes("lifecycle_stage"), label=gettext_lazy("Life-cycle stage"))
    place = FacetField(shape=PLACE, label=gettext_lazy("Country or region"))
    status = FacetField(known=codes("initiative_status"), label=gettext_lazy("Status"))
    year_from = YearField(label=gettext_lazy("From year"))
    year_to = YearField(label=gettext_lazy("To year"))

    sorts = ("newest", "title")
    labels: ClassVar = {
        "kind": lambda code: vocabularies.label("initiative_kind", code),
        "focus": lambda code: vocabularies.label("initiative_focus", code),
        "stage": lambda code: vocabularies.label("lifecycle_stage", code),
        "status": lambda code: vocabularies.label("initiative_status", code),
        "year_from": lambda code: code,
        "year_to": lambda code: code,
    }

    def rows(self, *, like: bool = False) -> QuerySet:
        columns = [*in_six("title", "summary"), "entity__names"]
        rows = with_words(Initiative.objects.published(), self.words, columns, like=like)
        rows = rows.filter(self._within_years())
        rank: Any = Value(0.0) - Coalesce(F("first_year"), 0.0, output_field=FloatField())
        rows = rows.annotate(rank=rank if self.order == "newest" else foreign_last("title"), key=sort_key("title"))
        return (
            rows.annotate(made_up=F("entity__is_example"))
            .order_by()
            .values("id", "rank", "key", "made_up", "kind", "focus", "stages", "status")
        )

    def _within_years(self) -> Q:
        """Of a period that touches the years asked for; what has no year is left out once years are asked for."""
        first, last = self.cleaned.get("year_from"), self.cleaned.get("year_to")
        if not (first or last):
            return Q()
        condition = Q(first_year__isnull=False) | Q(last_year__isnull=False)
        if first:
            condition &= Q(last_year__isnull=True) | Q(last_year__gte=first)
        if last:
            condition &= Q(first_year__isnull=True) | Q(first_year__lte=last)
        return condition

    def relations(self) -> dict[str, Relation]:
        who = """SELECT id, entity_id FROM coalition_initiative
                 UNION ALL SELECT initiative_id, entity_id FROM coalition_initiative_partners"""
        return {
            "entity": Relation(ENTITY_SLUGS.format(who=who)),
            "kind": Relation("SELECT id, kind FROM {rows} r"),
            "focus": Relation("SELECT DISTINCT id, code FROM {rows} r, unnest(focus) code"),
            "stage": Relation("SELECT DISTINCT id, code FROM {rows} r, unnest(stages) code"),
            "place": Relation("""
                SELECT r.id, p.country_id FROM coalition_initiative_countries p JOIN {rows} r ON r.id = p.initiative_id
                UNION SELECT r.id, l.place FROM coalition_initiative_countries p JOIN {rows} r ON r.id = p.initiative_id
                    JOIN ewaste_portal_country c ON c.iso3 = p.country_id JOIN lineage l ON l.leaf = c.region_id
                UNION SELECT r.id, l.place FROM coalition_initiative_regions p JOIN {rows} r ON r.id = p.initiative_id
                    JOIN lineage l ON l.leaf = p.region_id"""),
            "status": Relation("SELECT id, status FROM {rows} r"),
        }  # fmt: skip


class PledgeFilter(ListFilter):
    entity = FacetField(label=gettext_lazy("Entity"))
    kind = FacetField(known=codes("pledge_kind"), label=pgettext_lazy("of a pledge", "Kind"))
    purpose = FacetField(known=lambda: Pledge.Purpose.values, label=pgettext_lazy("a pledge", "For"))

    sorts = ("newest", "title")
    labels: ClassVar = {
        "kind": lambda code: vocabularies.label("pledge_kind", code),
        "purpose": lambda code: Pledge.Purpose(code).label,
    }

    def rows(self, *, like: bool = False) -> QuerySet:
        columns = [*in_six("title", "text"), "entity__names"]
        rows = with_words(Pledge.objects.published(), self.words, columns, like=like)
        age = Func(F("published_at"), template="-extract(epoch FROM %(expressions)s)::float", output_field=FloatField())
        rows = rows.annotate(rank=age if self.order == "newest" else foreign_last("title"), key=sort_key("title"))
        return (
            rows.annotate(made_up=F("entity__is_example"))
            .order_by()
            .values("id", "rank", "key", "made_up", "kind", "purpose")
        )

    def relations(self) -> dict[str, Relation]:
        return {
            "entity": Relation(ENTITY_SLUGS.format(who="SELECT id, entity_id FROM coalition_pledge")),
            "kind": Relation("SELECT id, kind FROM {rows} r"),
            "purpose": Relation("SELECT id, purpose FROM {rows} r"),
        }
