"""Desired outputs and expected outcomes in the back office: their text can be corrected, words on them only added."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy

from dialogue import outcomes
from dialogue.actions.outcomes import add_update
from dialogue.forms.outcomes import WordForm
from dialogue.models import DesiredOutput, ExpectedOutcome, OutcomeUpdate
from dialogue.models.outcomes import EVIDENCE
from ewaste_portal import vocabularies
from ewaste_portal.workplace import (
    EventHistory,
    Exports,
    FileResource,
    LanguageTabs,
    Waiting,
    language_fieldsets,
    translated,
)


class DesiredOutputFile(FileResource):
    class Meta:
        model = DesiredOutput
        fields = ("dialogue__slug", "position", *translated("text"), "owner__slug", "due_on", "source_url")


class ExpectedOutcomeFile(FileResource):
    class Meta:
        model = ExpectedOutcome
        fields = DesiredOutputFile.Meta.fields


class WordInline(admin.StackedInline):
    """What was said stands; a new word can be added."""

    model = OutcomeUpdate
    form = WordForm
    extra = 0
    can_delete = False
    verbose_name = gettext_lazy("word on it")
    verbose_name_plural = gettext_lazy("Words on it, the last first")
    fields = (("on", "status"), ("words", "language"), EVIDENCE, ("evidence_url", "evidence_name"))
    autocomplete_fields = ("resource", "signature", "pledge", "entity", "initiative", "evidence_dialogue")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*EVIDENCE)

    @admin.display(description=gettext_lazy("what happened"))
    def words(self, update: OutcomeUpdate) -> str:
        return outcomes.shown(update, "note").words

    @admin.display(description=gettext_lazy("languages"))
    def language(self, update: OutcomeUpdate) -> str:
        columns = vocabularies.COLUMNS.items()
        codes = [code for code, column in columns if getattr(update, f"note_{column}")]
        return ", ".join(vocabularies.label("language", code) for code in codes)


class QuietFilter(admin.SimpleListFilter):
    title = gettext_lazy("no word for more than a year")
    parameter_name = "quiet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return outcomes.quiet(queryset) if self.value() == "yes" else queryset


class AimAdmin(Exports, EventHistory, LanguageTabs):
    history_name = "text_en"
    inlines = (WordInline,)
    list_display = ("short_text", "dialogue", "owner", "due_on", "standing", "last_word")
    list_select_related = ("dialogue", "owner")
    list_filter = (QuietFilter, ("dialogue", admin.RelatedOnlyFieldListFilter))
    search_fields = (*translated("text"), *translated("owner__official_name", "owner__short_name"))
    autocomplete_fields = ("dialogue", "owner")
    list_per_page = 50
    view_on_site = False
    fieldsets = (
        (None, {"fields": ("dialogue", "position", "owner", "due_on", "source_url")}),
        *language_fieldsets("text"),
    )
    waiting_label: Any = ""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("updates").order_by("-dialogue__starts_at", "position")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What somebody has said a word of stays, for words are never deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.updates.exists())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleted one by one."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is not OutcomeUpdate:
            super().save_formset(request, form, formset, change)
            return
        formset.save(commit=False)  # tells the admin's log what is new
        formset.new_objects = []
        user: Any = request.user
        for added in formset.extra_forms:
            if added.has_changed():
                facts = {name: added.cleaned_data[name] for name in WordForm.Meta.fields}
                note, language = added.cleaned_data["words"], added.cleaned_data["language"]
                update = add_update(aim=form.instance, by=user, note=note, language=language, **facts)
                formset.new_objects.append(update)

    @admin.display(description=gettext_lazy("text"), ordering="text_en")
    def short_text(self, aim: Any) -> str:
        return str(aim)

    @admin.display(description=gettext_lazy("status"))
    def standing(self, aim: Any) -> str:
        last = next(iter(aim.updates.all()), None)
        if last is None:
            return format_html('<span class="badge badge--quiet">{}</span>', _("No word yet"))
        family = outcomes.FAMILIES[last.status]
        return format_html('<span class="badge badge--{}">{}</span>', family or "type", last.get_status_display())

    @admin.display(description=gettext_lazy("last word"))
    def last_word(self, aim: Any) -> Any:
        last = next(iter(aim.updates.all()), None)
        return last.on if last else "–"

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        listed = reverse(f"admin:dialogue_{self.opts.model_name}_changelist") + "?quiet=yes"
        count = outcomes.quiet(self.model._default_manager.all(), on=timezone.localdate()).count()
        yield Waiting(self.waiting_label, count, listed, _("Not settled; the public page shows the silence."))


@admin.register(DesiredOutput)
class DesiredOutputAdmin(AimAdmin):
    resource_classes = (DesiredOutputFile,)
    waiting_label = gettext_lazy("Desired outputs without a word for a year")


@admin.register(ExpectedOutcome)
class ExpectedOutcomeAdmin(AimAdmin):
    resource_classes = (ExpectedOutcomeFile,)
    waiting_label = gettext_lazy("Expected outcomes without a word for a year")
