"""What an entity's people tell of its initiatives and pledges."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _, gettext_lazy

from coalition.filters import FIRST_YEAR, LAST_YEAR, in_six
from coalition.forms.workspace import LineField, columns, language_name, own_column
from coalition.models import Entity, Initiative, Pledge, PledgeUpdate
from ewaste_portal import vocabularies
from ewaste_portal.context import language_tag

if TYPE_CHECKING:
    from ewaste_portal.models import User

MOST_PARTNERS = 50


class CodesField(forms.TypedMultipleChoiceField):
    """Several codes of a vocabulary."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, vocabulary: str, **kwargs: Any) -> None:
        super().__init__(choices=vocabularies.Choices(vocabulary), required=False, coerce=str, **kwargs)


class PartnersField(forms.CharField):
    """Entities of the directory, one a line: by name in any language, short name, or last part of the address."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(entity.official_name) for entity in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Entity]:
        lines = list(
            dict.fromkeys(
                line for text in (super().clean(value) or "").splitlines() if (line := " ".join(text.split()))
            )
        )
        if len(lines) > MOST_PARTNERS:
            raise ValidationError(_("Name at most fifty partners."), code="many")
        names = in_six("official_name", "short_name")
        wanted = {line.lower(): line for line in lines}
        condition = Q()
        for line in lines:
            condition |= Q(slug=line.lower()) | Q(*((f"{name}__iexact", line) for name in names), _connector=Q.OR)
        entities = list(Entity.objects.public().filter(condition)) if lines else []
        found = {
            str(text).lower() for entity in entities for name in ("slug", *names) if (text := getattr(entity, name))
        }
        unknown = [line for lowered, line in wanted.items() if lowered not in found]
        if unknown:
            raise ValidationError(
                _("“%(name)s” is not in the directory: check how it is written there."),
                params={"name": unknown[0]},
                code="unknown",
            )
        return entities

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class ContributionForm(forms.ModelForm):
    """Texts in six languages, English required; drafts only, submitted and published by actions of their own."""

    stems: tuple[str, str]  # the one-line column and the long one
    taken: Any = ""  # said where the entity has another of the same title

    def __init__(self, *args: Any, entity: Entity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entity = entity
        self.instance.entity = entity
        line, text = self.stems
        for code, column in vocabularies.COLUMNS.items():
            marks = {"lang": language_tag(code), "dir": "rtl" if code == "ar" else "ltr"}
            self.fields[f"{line}_{column}"].label = _("Title (%(language)s)") % {"language": language_name(code)}
            self.fields[f"{line}_{column}"].widget.attrs |= marks
            self.fields[f"{text}_{column}"].label = _("Description (%(language)s)") % {"language": language_name(code)}
            self.fields[f"{text}_{column}"].widget.attrs |= marks | {"rows": 4}
            self.fields[f"{text}_{column}"].validators.append(forms.CharField(max_length=5_000).validators[0])
        self.fields[f"{line}_en"].required = self.fields[f"{text}_en"].required = True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        title = data.get("title_en")
        same = self._meta.model.objects.filter(entity=self.entity, title_en__iexact=title).exclude(pk=self.instance.pk)
        if title and same.exclude(publication="withdrawn").exists():
            self.add_error("title_en", self.taken)
        return data

    def keep(self, *, by: "User") -> Any:
        """Saves. None, with a sentence on the form, if somebody was quicker."""
        if self.instance.pk is None:
            self.instance.created_by, self.instance.slug = by, self._free_slug()
        try:
            with transaction.atomic():
                return self.save()
        except IntegrityError:
            self.add_error(
                None, _("This was saved by somebody else in the meantime: look at the list before you try again.")
            )
            return None

    def _free_slug(self) -> str:
        stem = slugify(self.cleaned_data["title_en"])[:100] or self._meta.model._meta.model_name
        taken = set(self._meta.model.objects.filter(slug__startswith=stem).values_list("slug", flat=True)) | {"new"}
        return next(slug for n in range(1, len(taken) + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)

    @property
    def general(self) -> list[forms.BoundField]:
        texts = set(columns(*self.stems))
        return [field for field in self if field.name not in texts]

    @property
    def by_language(self) -> list[tuple[str, bool, list[forms.BoundField]]]:
        """A group a language: its name, whether it is open from the start, its fields. First English, then the reader's own."""
        order = sorted(vocabularies.COLUMNS.items(), key=lambda pair: (pair[1] != "en", pair[1] != own_column()))
        groups = []
        for code, column in order:
            fields = [self[f"{stem}_{column}"] for stem in self.stems]
            groups.append(
                (language_name(code), column in {"en", own_column()} or any(field.errors for field in fields), fields)
            )
        return groups


class InitiativeForm(ContributionForm):
    stems = ("title", "summary")
    taken = gettext_lazy("This entity already has an initiative of this title.")

    focus = CodesField("initiative_focus", label=gettext_lazy("Focus"))
    stages = CodesField("lifecycle_stage", label=gettext_lazy("Life-cycle stages"))
    partners = PartnersField(
        label=gettext_lazy("Partners"), required=False, max_length=20_000,
        help_text=gettext_lazy("One entity a line, written as in the directory."),
    )  # fmt: skip

    class Meta:
        model = Initiative
        fields = (
            *columns("title", "summary"), "kind", "status", "focus", "stages", "countries", "regions", "first_year", "last_year",
            "partners", "website", "source_url",
        )  # fmt: skip
        field_classes = dict.fromkeys(columns("title"), LineField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["partners"] = list(self.instance.partners.all())
        for name in ("countries", "regions"):
            field: Any = self.fields[name]
            field.queryset = field.queryset.order_by(f"name_{own_column()}")
            field.widget.attrs["size"] = 8
        for name in ("first_year", "last_year"):
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, required=False, min_value=FIRST_YEAR, max_value=LAST_YEAR,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 4}),
            )  # fmt: skip
        for name in ("website", "source_url"):
            self.fields[name].widget.attrs["dir"] = "ltr"


class PledgeForm(ContributionForm):
    stems = ("title", "text")
    taken = gettext_lazy("This entity already has a pledge of this title.")

    first_day = forms.DateField(
        label=gettext_lazy("First day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    class Meta:
        model = Pledge
        fields = (
            *columns("title", "text"),
            "kind",
            "purpose",
            "initiative",
            "amount",
            "currency",
            "first_day",
            "last_day",
        )
        field_classes = dict.fromkeys(columns("title"), LineField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        initiative: Any = self.fields["initiative"]
        initiative.queryset = (
            Initiative.objects.published().filter(entity__is_example=self.entity.is_example).order_by("title_en")
        )
        initiative.help_text = _("Only for the support of an initiative.")
        self.fields["amount"].help_text = _("If it can be told in money.")
        self.fields["currency"].help_text = _("Three letters, such as USD.")
        self.fields["currency"].widget.attrs |= {"dir": "ltr", "maxlength": 3}
        if self.instance.during:
            self.initial["first_day"], after = self.instance.during.lower, self.instance.during.upper
            self.initial["last_day"] = after - timedelta(days=1) if after else None

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day must not lie before the first."))
        elif last == date.max:
            self.add_error("last_day", _("Enter an earlier day."))
        elif "first_day" in data and "last_day" in data:
            self.instance.during = (first, last + timedelta(days=1) if last else None) if first or last else None
        if data.get("purpose") and data["purpose"] != Pledge.Purpose.INITIATIVE:
            data["initiative"] = None
        return data


class PledgeUpdateForm(forms.ModelForm):
    class Meta:
        model = PledgeUpdate
        fields = ("on", "text")
        widgets = {  # noqa: RUF012  Django's own form
            "on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "text": forms.Textarea(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].help_text = _("It is public at once, and can be corrected only by another note.")
        text: Any = self.fields["text"]
        text.max_length = 5_000
        text.validators.append(forms.CharField(max_length=5_000).validators[0])
        self.initial.setdefault("on", timezone.localdate())

    def clean_on(self) -> date:
        if self.cleaned_data["on"] > timezone.localdate():
            raise ValidationError(_("The date must not lie in the future."), code="future")
        return self.cleaned_data["on"]
