"""Documents and statements in the back office: uploading, embargoes, publishing what entities send."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext_lazy

from coalition.admin import Confirms, badge, code_of, given
from dialogue import permissions
from dialogue.actions import papers as actions
from dialogue.forms.papers import DocumentForm
from dialogue.models import Document, Session, Statement
from dialogue.times import instant_words
from ewaste_portal.workplace import (
    EventHistory,
    Exports,
    FileResource,
    LanguageTabs,
    Waiting,
    language_fieldsets,
    translated,
)

FAMILIES = {"draft": "quiet", "submitted": "warning", "published": "success", "withdrawn": "danger"}


class DocumentFile(FileResource):
    class Meta:
        model = Document
        import_id_fields = ("uid",)
        fields = (
            "uid", "dialogue__slug", "session__slug", "document_type", *translated("title"), "symbol", "language",
            "resource__slug", "sha256", "size", "page_count", "audience", "embargo_until",
        )  # fmt: skip


class StatementFile(FileResource):
    class Meta:
        model = Statement
        import_id_fields = ("uid",)
        fields = (
            "uid", "dialogue__slug", "session__slug", "entity__slug", "title", "language", "state", "sha256", "published_at",
        )  # fmt: skip


def sessions_of(field: Any, dialogue: int | None) -> None:
    """Sessions to choose from: those of the dialogue, or all while it is not chosen."""
    rows = Session.objects.select_related("dialogue").order_by("-dialogue__starts_at", "position")
    field.queryset = rows.filter(dialogue=dialogue) if dialogue else rows
    if not dialogue:
        field.label_from_instance = lambda row: f"{row.dialogue}: {row}"


@admin.register(Document)
class DocumentAdmin(Exports, EventHistory, LanguageTabs):
    form = DocumentForm
    resource_classes = (DocumentFile,)
    history_name = "title_en"
    list_display = ("name", "dialogue", "type_label", "language", "audience_label", "until")
    list_select_related = ("dialogue", "resource", "session")
    list_filter = ("audience", "document_type", ("dialogue", admin.RelatedOnlyFieldListFilter))
    search_fields = (*translated("title"), "symbol", "=sha256", "resource__original_title")
    autocomplete_fields = ("dialogue", "resource")
    readonly_fields = ("checksum", "size", "page_count", "until", "created_at", "modified_at")
    list_per_page = 50
    view_on_site = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("dialogue", "session"),
                    ("document_type", "position"),
                    ("audience", "embargo_until"),
                    "until",
                )
            },
        ),
        (
            gettext_lazy("A resource of the library, or a file"),
            {"fields": ("resource", "file", ("language", "symbol"))},
        ),
        *language_fieldsets("title"),
        (
            gettext_lazy("Record"),
            {"fields": ("checksum", ("size", "page_count"), ("created_at", "modified_at"))},
        ),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "session" in form.base_fields:
            sessions_of(form.base_fields["session"], obj.dialogue_id if obj else None)
        return form

    def save_model(self, request: HttpRequest, obj: Document, form: forms.ModelForm, change: bool) -> None:
        user: Any = request.user
        actions.keep_document(document=obj, by=user)

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        user: Any = request.user
        actions.remove_document(document=obj, by=user)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for document in queryset.select_related("dialogue"):
            self.delete_model(request, document)

    @admin.display(description=gettext_lazy("title"), ordering="title_en")
    def name(self, document: Document) -> str:
        return str(document)

    @admin.display(description=gettext_lazy("type"), ordering="document_type")
    def type_label(self, document: Document) -> str:
        return document.get_document_type_display()

    @admin.display(description=gettext_lazy("audience"), ordering="audience")
    def audience_label(self, document: Document) -> str:
        return badge("quiet" if document.audience == "public" else "warning", document.get_audience_display())

    @admin.display(description=gettext_lazy("not before, in the event's time"), ordering="embargo_until")
    def until(self, document: Document) -> str:
        """A form's own times are in UTC."""
        if document.embargo_until is None:
            return "–"
        words = instant_words(document.embargo_until, document.dialogue.zone, document.dialogue.place)
        return badge("danger" if document.is_embargoed() else "quiet", words)

    @admin.display(description=gettext_lazy("SHA-256"))
    def checksum(self, document: Document) -> str:
        return code_of(document.sha256, 64)


class StatementAdminForm(forms.ModelForm):
    """Staff may write down what an entity sent on another way; what entities wrote is shown, not changed."""

    class Meta:
        model = Statement
        fields = ("dialogue", "session", "entity", "title", "language", "text", "file")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        dialogue = data.get("dialogue") or (self.instance.dialogue if self.instance.pk else None)
        session = data.get("session")
        if dialogue and session and session.dialogue_id != dialogue.pk:
            self.add_error("session", _("The session belongs to another dialogue."))
        if "dialogue" in data and dialogue and dialogue.is_cancelled:
            self.add_error("dialogue", _("This dialogue was cancelled: it takes no statements."))
        return data


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), help_text=gettext_lazy("The author will read it."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )  # fmt: skip


WRITTEN = ("dialogue", "entity", "title", "language", "text", "file")


@admin.register(Statement)
class StatementAdmin(Exports, Confirms, EventHistory):
    form = StatementAdminForm
    resource_classes = (StatementFile,)
    history_name = "title"
    list_display = ("title", "state_badge", "entity", "dialogue", "language", "created_at")
    list_select_related = ("entity", "dialogue")
    list_filter = ("state", ("dialogue", admin.RelatedOnlyFieldListFilter))
    search_fields = ("title", *translated("entity__official_name"), "entity__short_name_en", "=sha256")
    autocomplete_fields = ("dialogue", "entity")
    readonly_fields = (
        "state_badge", "reading", "checksum", "published_at", "published_by", "created_by", "created_at", "modified_at",
    )  # fmt: skip
    actions = ("publish", "return_for_changes", "take_back")
    list_per_page = 50
    view_on_site = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "state_badge",
                    ("dialogue", "session"),
                    "entity",
                    "language",
                    "title",
                    "text",
                    "file",
                    "reading",
                )
            },
        ),
        (
            gettext_lazy("Record"),
            {"fields": ("checksum", ("published_at", "published_by"), "created_by", ("created_at", "modified_at"))},
        ),
    )

    def _is_own_draft(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or (obj.state == "draft" and obj.created_by_id == request.user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if self._is_own_draft(request, obj) else (*self.readonly_fields, *WRITTEN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was once published keeps its address: it is taken back, not deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return permissions.can_publish(request.user)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "session" in form.base_fields:
            sessions_of(form.base_fields["session"], obj.dialogue_id if obj else None)
        return form

    def save_model(self, request: HttpRequest, obj: Statement, form: forms.ModelForm, change: bool) -> None:
        user: Any = request.user
        if not self._is_own_draft(request, obj if change else None):
            obj.save(update_fields=["session", "modified_at"])  # nothing else is on the form
            return
        data = form.cleaned_data
        new_file = data["file"] if "file" in form.changed_data and data["file"] else None
        kept = actions.write(
            dialogue=data["dialogue"], entity=data["entity"], by=user, title=data["title"], language=data["language"],
            text=data["text"], file=new_file, session=data["session"],
            without_file=data["file"] is False, statement=obj if change else None,
        )  # fmt: skip
        obj.pk, obj.uid, obj.created_by = kept.pk, kept.uid, kept.created_by

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, statement: Statement) -> str:
        return badge(FAMILIES[statement.state], statement.get_state_display())

    @admin.display(description=gettext_lazy("read"))
    def reading(self, statement: Statement) -> str:
        """As its public page would show it."""
        if statement.pk is None:
            return "–"
        return format_html('<a href="{}">{}</a>', statement.get_absolute_url(), _("The page as readers see it"))

    @admin.display(description=gettext_lazy("SHA-256"))
    def checksum(self, statement: Statement) -> str:
        return code_of(statement.sha256, 64)

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        listed = reverse("admin:dialogue_statement_changelist") + "?state__exact=submitted"
        count = Statement.objects.filter(state="submitted").count()
        yield Waiting(_("Statements submitted"), count, listed, _("Sent by entities, waiting to be published."))

    @admin.action(description=gettext_lazy("Publish…"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="publish", title=_("Publish statements"), button=_("Publish"),
                explanation=_("They appear on the public pages, and their authors are told by mail."),
            )  # fmt: skip
        user: Any = request.user
        done = ngettext_lazy("%(count)d statement was published.", "%(count)d statements were published.", "count")
        self.each(request, queryset, lambda row: actions.publish(statement=row, by=user), done)
        return None

    @admin.action(description=gettext_lazy("Return for changes…"), permissions=["publish"])
    def return_for_changes(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = ReasonForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="return_for_changes", title=_("Return statements for changes"),
                button=_("Return"), explanation=_("They are drafts again, and their authors are told by mail."),
            )  # fmt: skip
        user: Any = request.user
        reason = form.cleaned_data["reason"]
        done = ngettext_lazy("%(count)d statement was returned.", "%(count)d statements were returned.", "count")
        self.each(
            request, queryset, lambda row: actions.return_for_changes(statement=row, by=user, reason=reason), done
        )
        return None

    @admin.action(description=gettext_lazy("Take off the public pages…"), permissions=["publish"])
    def take_back(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="take_back", title=_("Take statements off the public pages"),
                button=_("Take off"), explanation=_("Their addresses stay and say so; their authors are told by mail."),
            )  # fmt: skip
        user: Any = request.user
        done = ngettext_lazy("%(count)d statement was taken off.", "%(count)d statements were taken off.", "count")
        self.each(request, queryset, lambda row: actions.take_back(statement=row, by=user), done)
        return None
