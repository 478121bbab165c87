"""Entities in the back office: names by language, look-alikes, merging."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.postgres.search import TrigramSimilarity
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from coalition import actions
from coalition.models import Entity
from ewaste_portal.workplace import EventHistory, Exports, FileResource, LanguageTabs, language_fieldsets, translated

LIKENESS = 0.6


def look_alikes(entity: Any) -> QuerySet[Entity]:
    """Other entities whose official name is nearly the same, or whose short name is the same, in English."""
    return (
        Entity.objects.public()
        .exclude(pk=entity.pk)
        .annotate(likeness=TrigramSimilarity("official_name_en", entity.official_name_en or ""))
        .filter(
            Q(likeness__gte=LIKENESS) | Q(short_name_en__iexact=entity.short_name_en or None) & ~Q(short_name_en="")
        )
        .order_by("-likeness")[:5]
    )


class EntityFile(FileResource):
    class Meta:
        model = Entity
        import_id_fields = ("slug",)
        fields = (
            "slug", "kind", *translated("official_name", "short_name"), "country", "website", "domains",
            *translated("role_on_ewaste"), "source", "merged_into__slug", "is_example",
        )  # fmt: skip


class MergeForm(forms.Form):
    into = forms.ModelChoiceField(
        Entity.objects.public(), label=gettext_lazy("Merge into"), help_text=gettext_lazy("The entity that stays.")
    )

    def __init__(self, *args: Any, admin_site: admin.AdminSite, going: QuerySet[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        into: Any = self.fields["into"]
        into.queryset = Entity.objects.public().exclude(pk__in=going)
        into.widget = AutocompleteSelect(Entity._meta.get_field("merged_into"), admin_site)
        into.widget.choices = into.choices


class MergedFilter(admin.SimpleListFilter):
    title = gettext_lazy("merged")
    parameter_name = "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entity]) -> QuerySet[Entity]:
        return queryset.filter(merged_into__isnull=self.value() == "no") if self.value() in {"no", "yes"} else queryset


@admin.register(Entity)
class EntityAdmin(Exports, EventHistory, LanguageTabs):
    resource_classes = (EntityFile,)
    history_name = "official_name_en"
    list_display = ("official_name", "short_name", "kind_label", "country", "merged_into")
    list_select_related = ("country", "merged_into")
    list_filter = ("kind", MergedFilter, "is_example")
    search_fields = (*translated("official_name", "short_name"), "=slug")
    autocomplete_fields = ("country",)
    prepopulated_fields = {"slug": ("official_name",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("merged_into", "created_at", "modified_at")
    actions = ("merge",)
    view_on_site = False
    fieldsets = (
        (None, {"fields": ("kind", "country", "website", "domains")}),
        *language_fieldsets("official_name", "short_name", "role_on_ewaste"),
        (
            gettext_lazy("Record"),
            {"fields": ("slug", "source", "is_example", "merged_into", "created_at", "modified_at")},
        ),
    )

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_label(self, entity: Entity) -> str:
        return entity.get_kind_display()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "domains":
            field.help_text = _("Domains of the entity's e-mail addresses, one in each line.")
        return field

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Fields that refer to an entity offer only those that are not merged into another."""
        if request.resolver_match and request.resolver_match.url_name == "autocomplete":
            queryset = queryset.public()
        return super().get_search_results(request, queryset, search_term)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def save_model(self, request: HttpRequest, obj: Entity, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for other in look_alikes(obj):
            text = _(
                'This entity looks like <a href="{url}">{name}</a>. If they are the same, merge one into the other.'
            )
            url = reverse("admin:coalition_entity_change", args=[other.pk])
            messages.warning(request, format_html(text, url=url, name=other.official_name))

    @admin.action(description=gettext_lazy("Merge into another entity"), permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Entity]) -> HttpResponse | None:
        """The first time a page that names what would go; confirmed, the merge itself."""
        data = request.POST if "confirmed" in request.POST else None
        form = MergeForm(data, admin_site=self.admin_site, going=queryset)
        if form.is_valid():
            self._merge(request, queryset, form.cleaned_data["into"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Merge entities"),
            "explanation": _(
                "Their addresses will lead to the entity that stays; their publications count as its own."
            ),
            "button": _("Merge"),
            "action": "merge",
            "form": form,
            "media": self.media + form.media,
            "items": queryset,
            "opts": self.opts,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    def _merge(self, request: HttpRequest, queryset: QuerySet[Entity], into: Entity) -> None:
        merged = 0
        for entity in queryset:
            try:
                actions.merge(entity=entity, into=into)
                merged += 1
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        if merged:
            text = ngettext(
                "%(count)d entity was merged into “%(into)s”.",
                "%(count)d entities were merged into “%(into)s”.",
                merged,
            )
            messages.success(request, text % {"count": merged, "into": into})
