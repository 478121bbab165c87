"""Forms of the join pages and of an entity's workspace: they keep what was typed, and clean names of what hides in text."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import get_language, gettext as _, gettext_lazy

from coalition import lookalikes
from coalition.forms.logo import LogoFields
from coalition.models import Entity, Mandate, Membership
from ewaste_portal import vocabularies
from ewaste_portal.context import language_tag
from ewaste_portal.models import PastSlug

DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{2,59})")
MOST_DOMAINS = 10
STATELESS = ("un-body", "intergovernmental")  # kinds that belong to no country
MAY_BE_STATELESS = ("partnership", "standards-body", "other")


def on_one_line(text: str) -> str:
    """Without control characters and the invisible ones that turn the direction of writing; single spaces."""
    kept = (
        character
        for character in text
        if unicodedata.category(character) not in {"Cc", "Cf"} or character in "\u200c\u200d\n\t"
    )
    return " ".join("".join(kept).split())


class LineField(forms.CharField):
    """A name or title: one line of visible characters."""

    def to_python(self, value: Any) -> Any:
        return on_one_line(super().to_python(value) or "") or self.empty_value


class DomainsField(forms.CharField):
    """Mail domains, separated by commas, spaces or lines. Cleans to a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        found = []
        for word in re.split(r"[,;\s]+", super().clean(value).lower()):
            domain = word.rpartition("@")[2].removeprefix("www.").strip(".")
            try:
                domain = domain.encode("idna").decode() if domain else ""
            except UnicodeError:
                domain = word
            if not domain or domain in found:
                continue
            if not DOMAIN.fullmatch(domain):
                raise ValidationError(
                    _("Write domains like ministry.example.org: “%(word)s” is none.") % {"word": word}, code="domain"
                )
            if domain in lookalikes.FREE_MAIL:
                raise ValidationError(
                    _("“%(domain)s” offers mail to everybody: give a domain of the entity's own.") % {"domain": domain},
                    code="free",
                )
            found.append(domain)
        if len(found) > MOST_DOMAINS:
            raise ValidationError(_("Give at most ten domains."), code="many")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


def language_name(code: str) -> str:
    return _(str(dict(settings.LANGUAGES)[code]))


def own_column() -> str:
    """The suffix of the translated columns in the reader's language."""
    return vocabularies.COLUMNS[get_language() or "en"]


def columns(*stems: str) -> list[str]:
    """Names of translated columns, language by language."""
    return [f"{stem}_{column}" for column in vocabularies.COLUMNS.values() for stem in stems]


ENTITY_FIELDS = (
    "kind", *columns("official_name", "short_name"), "country", "website", "domains",
    *columns("role_on_ewaste", "description"), "logo", "logo_permission",
)  # fmt: skip


class EntityForm(forms.ModelForm):
    """Any part of an entity (`only`): one field a language, and the database's refusals told in its own sentences.

    `locked`: what a signature or a review rests on is shown but stays as it is.
    """

    domains = DomainsField(
        label=gettext_lazy("Domains of the entity's e-mail addresses"), required=False, max_length=1000,
        help_text=gettext_lazy("What stands after the @, such as ministry.example.org; several with commas."),
    )  # fmt: skip

    class Meta:
        model = Entity
        fields = ENTITY_FIELDS
        field_classes = dict.fromkeys(columns("official_name", "short_name"), LineField)

    def __init__(self, *args: Any, only: Sequence[str], locked: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in only}
        for code, column in vocabularies.COLUMNS.items():
            self._tell_language(code, column)
        if "official_name_en" in self.fields:
            self.fields["official_name_en"].required = True
            self.fields["official_name_en"].help_text = _("In full, as the entity itself writes it; no acronym.")
        if "country" in self.fields:
            country: Any = self.fields["country"]
            country.queryset = country.queryset.order_by(f"name_{own_column()}")
            country.help_text = _(
                "Leave it empty for a body of the United Nations or another intergovernmental organization."
            )
        for name in {"website", "domains"} & set(self.fields):
            self.fields[name].widget.attrs |= {"dir": "ltr", "autocomplete": "url" if name == "website" else "off"}
        if locked:
            for name in ("kind", "country", *columns("official_name")):
                if name in self.fields and getattr(self.instance, name):
                    self.fields[name].disabled = True

    def _tell_language(self, code: str, column: str) -> None:
        labels = {
            "official_name": _("Official name (%(language)s)"),
            "short_name": _("Short name or acronym (%(language)s)"),
            "role_on_ewaste": _("Role on e-waste (%(language)s)"),
            "description": _("What the entity is (%(language)s)"),
        }
        for stem, label in labels.items():
            if field := self.fields.get(f"{stem}_{column}"):
                field.label = label % {"language": language_name(code)}
                field.widget.attrs |= {"lang": language_tag(code), "dir": "rtl" if code == "ar" else "ltr"}
                if stem in {"role_on_ewaste", "description"}:
                    field.help_text = ""
                    field.widget.attrs |= {"rows": 3, "maxlength": 3000}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if {"kind", "country"} <= set(self.fields) and kind:
            if kind in STATELESS:
                data["country"] = None
            elif kind not in MAY_BE_STATELESS and not data.get("country") and not self.has_error("country"):
                self.add_error("country", _("Choose the country or area where the entity has its seat."))
        return data

    def keep(self) -> Entity | None:
        """Saves. None, with the constraint's own sentence on the form, if the database refuses."""
        try:
            with transaction.atomic():
                return self.save()
        except IntegrityError as error:
            for constraint in Entity._meta.constraints:
                if constraint.name in str(error):
                    self.add_error(None, str(constraint.violation_error_message))
                    return None
            raise


class FactsForm(EntityForm):
    """Step 1 of an application: the entity as it will be listed."""

    more: tuple[str, ...] = ("short_name_en", "country", "website", "domains")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = dict.fromkeys([f"official_name_{own_column()}", "official_name_en"])
        super().__init__(*args, only=["kind", *names, *self.more], **kwargs)


class NewEntityForm(FactsForm):
    """An entity that is not here yet. With look-alikes in sight it is added only once `is_new` says that it is none of them."""

    is_new = forms.BooleanField(required=False, widget=forms.HiddenInput)
    more = (*FactsForm.more, "is_new")

    def look_alikes(self, *, domain: str = "") -> list[Entity]:
        """Recorded entities that may be the same; needs a clean form."""
        data = self.cleaned_data
        words = dict.fromkeys(
            [data["official_name_en"], data[f"official_name_{own_column()}"], data.get("short_name_en")]
        )
        country = data["country"].pk if data["country"] else None
        domains = [*data.get("domains", ()), domain, lookalikes.host(data["website"])]
        found: dict[int, Entity] = {}
        for name in filter(None, words):
            for entity in lookalikes.find(name, domains=domains, country=country, most=5):
                found.setdefault(entity.pk, entity)
        return list(found.values())[: lookalikes.MOST]

    def save(self, commit: bool = True) -> Entity:
        entity: Entity = super().save(commit=False)
        entity.slug, entity.source = free_slug(entity), "Added by an applicant."
        if commit:
            entity.save()
        return entity


def free_slug(entity: Any) -> str:
    """From the short name if there is one, else from the name; with a number if it is taken."""
    stem = slugify(entity.short_name_en or entity.official_name_en)[:100] or "entity"
    taken = set(Entity.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    taken |= set(PastSlug.objects.filter(kind="entity", slug__startswith=stem).values_list("slug", flat=True))
    taken |= {"new", "look-alikes"}
    return next(slug for n in range(1, len(taken) + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)


class ProfileForm(LogoFields, EntityForm):
    """All that the public page tells of the entity, in six languages, and its logo."""

    without_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, only=[*ENTITY_FIELDS, "without_logo"], **kwargs)
        self.fields["logo"].widget = forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"})
        self.fields["logo"].help_text = _(
            "PNG, JPEG or WebP, at most 2 MB. It is drawn anew; nothing but the picture is kept."
        )
        if not self.instance.logo:
            del self.fields["without_logo"]
        self.fields["logo_permission"].widget.attrs["rows"] = 3
        self.fields["logo_permission"].help_text = _("Who permits the portal to show it, when, and for what.")

    def clean_without_logo(self) -> bool:
        """Comes after the logo."""
        without: bool = self.cleaned_data["without_logo"]
        if without and "logo" not in self.files:
            self.cleaned_data["logo"] = False  # Django's sign for an empty file
        return without

    @property
    def general(self) -> list[forms.BoundField]:
        return [self[name] for name in ("kind", "country", "website", "domains")]

    @property
    def by_language(self) -> list[tuple[str, bool, list[forms.BoundField]]]:
        """A group a language: its name, whether it is open from the start, its fields. The reader's own comes first."""
        groups = []
        for code, column in sorted(
            vocabularies.COLUMNS.items(), key=lambda pair: (pair[1] != own_column(), pair[1] != "en")
        ):
            fields = [
                self[f"{stem}_{column}"] for stem in ("official_name", "short_name", "role_on_ewaste", "description")
            ]
            is_open = column in {own_column(), "en"} or any(field.errors for field in fields)
            groups.append((language_name(code), is_open, fields))
        return groups

    @property
    def picture(self) -> list[forms.BoundField]:
        return [self[name] for name in ("logo", "without_logo", "logo_permission") if name in self.fields]


class RoleForm(forms.Form):
    role = forms.ChoiceField(
        label=gettext_lazy("What you would do"),
        choices=[
            ("focal-point", gettext_lazy("Focal point: I answer for the entity's application, profile and people.")),
            ("assistant", gettext_lazy("Assistant: I prepare the application and the profile for the focal point.")),
        ],
        widget=forms.RadioSelect,
        initial="focal-point",
    )


class FindForm(forms.Form):
    q = LineField(label=gettext_lazy("Name of your entity, in any language"), max_length=200, required=False)


# The application ---------------------------------------------------------------------------------------


class AnswersForm(forms.ModelForm):
    """A step about the application itself. Only what is `complete` may leave no gap; saved for later, it may."""

    wanted: tuple[str, ...] = ()

    class Meta:
        model = Membership
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, complete: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.wanted:
            if name in self.fields:
                self.fields[name].required = complete


class HeadForm(AnswersForm):
    """Step 2: who signs (signatory) or confirms the pledge (supporter), and in which language we write."""

    head_name = LineField(max_length=200)
    head_title = LineField(max_length=200)
    wanted = ("head_name", "head_title", "head_email")

    class Meta(AnswersForm.Meta):
        fields = ("head_name", "head_title", "head_email", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, title, email, language = (
            self.fields[field] for field in ("head_name", "head_title", "head_email", "language")
        )
        if self.instance.track == "signatory":
            name.label, title.label = _("Full name of the Head"), _("Title of the Head")
            email.label = _("E-mail address of the Head's office")
            email.help_text = _("The invitation to sign goes there and to nobody else: not to you, not to us.")
        else:
            name.label, title.label = _("Full name of the authorised officer"), _("Title of the authorised officer")
            email.label = _("E-mail address of the authorised officer")
            email.help_text = _("The officer receives a mail and confirms the pledge.")
        name.help_text = (
            _("As it will stand under the Letter of Intent, without honorific.") if self.is_signatory else ""
        )
        language.label = _("Language of our mails")
        email.widget.attrs["dir"] = "ltr"

    @property
    def is_signatory(self) -> bool:
        return self.instance.track == "signatory"

    def clean_head_email(self) -> str:
        """Who prepares does not sign: the secret address of the Head must not reach the people of the workspace."""
        email: str = self.cleaned_data["head_email"]
        people = (
            Mandate.objects.holding()
            .confirmed()
            .filter(entity=self.instance.entity, role__in=["focal-point", "assistant"], user__email__iexact=email)
        )
        if email and self.is_signatory and people.exists():
            raise ValidationError(
                _("Give an address of the Head's office, not of a person who prepares the application."), code="self"
            )
        return email


class WorkForm(AnswersForm):
    """Step 3: what the entity does, what it pledges (supporter), and that nothing excludes it."""

    wanted = ("work", "pledge_text")

    class Meta(AnswersForm.Meta):
        fields = ("work", "pledge_text", "exclusions_declared")

    def __init__(self, *args: Any, complete: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, complete=complete, **kwargs)
        self.fields["work"].label = _("What the entity does on e-waste")
        self.fields["work"].help_text = _("A few sentences: since when, where, with whom. Reviewers read it.")
        self.fields["work"].widget.attrs |= {"rows": 8, "maxlength": 5000}
        if self.instance.track == "signatory":
            del self.fields["pledge_text"]
        else:
            self.fields["pledge_text"].label = _("What the entity pledges")
            self.fields["pledge_text"].help_text = _(
                "What it will give or do, by when. The authorised officer confirms these words."
            )
            self.fields["pledge_text"].widget.attrs |= {"rows": 6, "maxlength": 5000}
        declared = self.fields["exclusions_declared"]
        declared.label, declared.required = _("None of the exclusions named above applies to the entity"), complete
        declared.error_messages["required"] = _("Declare that no exclusion applies.")


STEPS: dict[str, Any] = {"entity": FactsForm, "head": HeadForm, "work": WorkForm}


class PledgeConfirmationForm(forms.Form):
    """The authorised officer stands by the pledge."""

    name = LineField(label=gettext_lazy("Your full name"), max_length=140)
    title = LineField(label=gettext_lazy("Your title"), max_length=140)
    is_authorised = forms.BooleanField(
        label=gettext_lazy("I have read the pledge above, and I am authorised to make it on behalf of the entity."),
        error_messages={"required": gettext_lazy("Tick the box if you are authorised; if not, close this page.")},
    )

    @property
    def officer(self) -> str:
        return f"{self.cleaned_data['name']}, {self.cleaned_data['title']}"


class NominationForm(NewEntityForm):
    """A signatory names a newcomer: the entity (recorded already or not) and where to write."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address of a person there"), widget=forms.EmailInput(attrs={"dir": "ltr"})
    )
    more = ("country", "website", "email")

    def entity(self) -> Entity | None:
        """The recorded entity of this name and country, else a new one; None with an error on the form if neither can be."""
        name, country = self.cleaned_data["official_name_en"], self.cleaned_data["country"]
        known = lookalikes.same(name, self.look_alikes(), country=country.pk if country else None)
        return known or self.keep()
