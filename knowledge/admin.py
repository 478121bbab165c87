"""The library in the back office: preparing, publishing, finding what is missing or twice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext, ngettext_lazy, override

from ewaste_portal.workplace import (
    EventHistory,
    Exports,
    ImportsAndExports,
    LanguageTabs,
    ListFields,
    Waiting,
    language_fieldsets,
    translated,
)
from knowledge import actions, duplicates, identifiers, permissions
from knowledge.imports import ResourceFile, SynonymFile, TopicFile
from knowledge.languages import name as language_name
from knowledge.models import Edition, Resource, ResourcePublisher, Synonym, Topic

BADGES = {"draft": "quiet", "in-review": "warning", "published": "success", "withdrawn": "danger"}


# The steps from draft to published and back ---------------------------------------------


@dataclass(frozen=True)
class Step:
    """One change of state as the back office offers it."""

    name: str
    label: Any  # lazy texts
    button: Any
    done: Any  # a lazy plural with %(count)d
    is_open: Callable[[Any, Resource], bool]
    act: Callable[..., Resource]


STEPS = {
    step.name: step
    for step in (
        Step(
            "submit", gettext_lazy("Submit for review"), gettext_lazy("Save and submit for review"),
            ngettext_lazy("%(count)d resource was submitted.", "%(count)d resources were submitted.", "count"),
            permissions.can_submit, actions.submit,
        ),
        Step(
            "return_to_draft", gettext_lazy("Return to draft"), gettext_lazy("Save and return to draft"),
            ngettext_lazy("%(count)d resource was returned to draft.", "%(count)d resources were returned to draft.", "count"),
            permissions.can_return, actions.return_to_draft,
        ),
        Step(
            "publish", gettext_lazy("Publish"), gettext_lazy("Save and publish"),
            ngettext_lazy("%(count)d resource was published.", "%(count)d resources were published.", "count"),
            permissions.can_publish, actions.publish,
        ),
        Step(
            "withdraw", gettext_lazy("Withdraw"), gettext_lazy("Save and withdraw…"),
            ngettext_lazy("%(count)d resource was withdrawn.", "%(count)d resources were withdrawn.", "count"),
            permissions.can_withdraw, actions.withdraw,
        ),
        Step(
            "reinstate", gettext_lazy("Reinstate"), gettext_lazy("Save and reinstate"),
            ngettext_lazy("%(count)d resource was reinstated.", "%(count)d resources were reinstated.", "count"),
            permissions.can_reinstate, actions.reinstate,
        ),
    )
}  # fmt: skip


def can_edit(user: Any, resource: Resource) -> bool:
    """What the public reads is changed only by those who may publish."""
    return resource.state in {"draft", "in-review"} or user.has_perm("knowledge.publish_resource")


def can_delete(resource: Resource) -> bool:
    """What was once published keeps its address: it is withdrawn, not deleted."""
    return resource.published_at is None


# Forms -----------------------------------------------------------------------------------


def _taken(text: str, resource: Resource) -> ValidationError:
    """`text` names the other resource by {name}."""
    url = reverse("admin:knowledge_resource_change", args=[resource.pk])
    return ValidationError(format_html(text, name=format_html('<a href="{}">{}</a>', url, resource)), code="taken")


class ResourceForm(forms.ModelForm):
    def clean_doi(self) -> str:
        doi = identifiers.normalise_doi(self.cleaned_data["doi"])
        other = duplicates.with_doi(doi, other_than=self.instance.pk)
        if other is not None and not self.instance.is_withdrawn:
            raise _taken(_("{name} already has this DOI."), other)
        return doi


class EditionForm(forms.ModelForm):
    def clean_isbn(self) -> str:
        isbn = self.cleaned_data["isbn"]
        other = duplicates.with_isbn(isbn, other_than=self.instance.pk)
        if other is not None:
            raise _taken(_("An edition of {name} already has this ISBN."), other.resource)
        return identifiers.normalise_isbn(isbn) if isbn else ""


class EditionFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [
            form for form in self.forms if form not in self.deleted_forms and (form.instance.pk or form.has_changed())
        ]
        if self.instance.is_published and not kept and not any(self.errors):
            raise ValidationError(_("The last edition of a published resource cannot go."), code="edition")


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Readers who follow an old link will see it."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


class TopicsForm(forms.Form):
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.all(), label=gettext_lazy("Topics"), widget=forms.CheckboxSelectMultiple
    )
    replace = forms.BooleanField(label=gettext_lazy("Take all other topics away"), required=False)


class PublisherInline(admin.TabularInline):
    model = ResourcePublisher
    autocomplete_fields = ("entity",)
    fields = ("position", "entity")
    extra = 0


class EditionInline(admin.StackedInline):
    model = Edition
    form = EditionForm
    formset = EditionFormSet
    fields = (("language", "format", "position"), "title", ("url", "file"), ("isbn", "year", "pages", "size_bytes"))
    extra = 0


# Filters ---------------------------------------------------------------------------------


class YesFilter(admin.SimpleListFilter):
    """Yes, no, or all; subclasses say which rows are “yes”."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "yes":
            return self.chosen(queryset)
        if self.value() == "no":
            return queryset.exclude(pk__in=self.chosen(Resource.objects.all()).values("pk"))
        return queryset

    def chosen(self, queryset: Any) -> Any:
        raise NotImplementedError


class LinksMissingFilter(YesFilter):
    title = gettext_lazy("links missing")
    parameter_name = "links_missing"

    def chosen(self, queryset: Any) -> Any:
        return queryset.without_online_copy()


class HasDoiFilter(YesFilter):
    title = gettext_lazy("has a DOI")
    parameter_name = "has_doi"

    def chosen(self, queryset: Any) -> Any:
        return queryset.exclude(doi="")


class LanguageFilter(admin.SimpleListFilter):
    title = gettext_lazy("language of an edition")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Edition.objects.order_by("language").values_list("language", flat=True).distinct()
        return sorted(((code, language_name(code)) for code in codes), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Edition.objects.filter(language=self.value()).values("resource"))


class ResourceList(ChangeList):
    def get_queryset(self, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().get_queryset(*args, **kwargs)
        return rows.for_listing()


# Resources -------------------------------------------------------------------------------


@admin.register(Resource)
class ResourceAdmin(ImportsAndExports, EventHistory, LanguageTabs):
    form = ResourceForm
    change_form_template = "admin/knowledge/resource/change_form.html"
    resource_classes = (ResourceFile,)
    history_related = ((Edition, "resource"),)
    history_name = "original_title"
    inlines = (PublisherInline, EditionInline)
    list_display = ("original_title", "state_badge", "type_label", "year", "publisher_names", "links")
    list_filter = (
        "state", "resource_type", LinksMissingFilter, HasDoiFilter, LanguageFilter, ("topics", admin.RelatedOnlyFieldListFilter),
    )  # fmt: skip
    search_fields = (
        "original_title",
        *translated("title"),
        "=slug",
        "=doi",
        "symbols",
        "editions__isbn",
        "editions__title",
    )
    search_help_text = gettext_lazy("Title in any language, DOI, ISBN, symbol.")
    date_hierarchy = "created_at"
    list_per_page = 50
    autocomplete_fields = ("topics", "countries", "regions", "initiatives")
    prepopulated_fields = {"slug": ("original_title",)}  # noqa: RUF012  Django's own form
    readonly_fields = (
        "state_badge", "submitted_at", "submitted_by", "published_at", "published_by", "withdrawn_at", "withdrawn_by",
        "withdrawal_reason", "created_at", "modified_at",
    )  # fmt: skip
    view_on_site = False
    actions = ("submit", "return_to_draft", "publish", "withdraw", "reinstate", "set_topics")
    fieldsets = (
        (
            gettext_lazy("As printed"),
            {"fields": ("resource_type", "original_title", "original_subtitle", "original_language", "authors", "journal",
                        ("year", "published_on"))},
        ),
        *language_fieldsets("title", "subtitle", "summary"),
        (gettext_lazy("Titles of ours"), {"fields": ("own_titles",)}),
        (
            gettext_lazy("What it is about"),
            {"fields": ("topics", "countries", "regions", "categories", "sdg_targets", "initiatives")},
        ),
        (gettext_lazy("Identifiers and rights"), {"fields": ("doi", "symbols", "rights")}),
        (gettext_lazy("For curators"), {"fields": ("slug", "source")}),
        (
            gettext_lazy("State"),
            {"fields": (("submitted_at", "submitted_by"), ("published_at", "published_by"), ("withdrawn_at", "withdrawn_by"),
                        "withdrawal_reason", ("created_at", "modified_at")), "classes": ("collapse",)},
        ),
    )  # fmt: skip

    # Who may ---------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Resource | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or can_edit(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Resource | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or can_delete(obj))

    def has_review_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("knowledge.review_resource"))

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("knowledge.publish_resource"))

    # The list ---------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ResourceList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """A DOI or an ISBN is found however it is written."""
        for normalise, field in ((identifiers.normalise_doi, "doi"), (identifiers.normalise_isbn, "editions__isbn")):
            if normalise(search_term) != search_term.strip():
                return queryset.filter(**{field: normalise(search_term)}), field != "doi"
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, resource: Resource) -> str:
        return format_html(
            '<span class="badge badge--{}">{}</span>', BADGES[resource.state], resource.get_state_display()
        )

    @admin.display(description=gettext_lazy("type"), ordering="resource_type")
    def type_label(self, resource: Resource) -> str:
        return resource.get_resource_type_display()

    @admin.display(description=gettext_lazy("publishers"))
    def publisher_names(self, resource: Resource) -> str:
        return ", ".join(str(entity) for entity in resource.publisher_entities)

    @admin.display(description=gettext_lazy("links"))
    def links(self, resource: Resource) -> str:
        """Languages that can be read online, of all that are recorded."""
        editions = list(resource.editions.all())
        online = [edition for edition in editions if edition.url]
        if not online:
            return format_html(
                '<span class="badge badge--warning">{}</span>', _("None") if editions else _("No edition")
            )
        return ", ".join(dict.fromkeys(edition.language for edition in online))

    # The start page ----------------------------------------------------------------------

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        here = reverse("admin:knowledge_resource_changelist")
        counts = Resource.objects.aggregate(
            drafts=Count("pk", filter=Q(state="draft")), in_review=Count("pk", filter=Q(state="in-review"))
        )
        listed = f"{here}?state__exact=in-review"
        yield Waiting(_("In review"), counts["in_review"], listed, _("Waiting for someone who publishes."))
        yield Waiting(_("Drafts"), counts["drafts"], f"{here}?state__exact=draft", _("Waiting for an editor."))
        missing = Resource.objects.published().without_online_copy().count()
        listed = f"{here}?state__exact=published&links_missing=yes"
        yield Waiting(_("Links missing"), missing, listed, _("Published without an online copy."))
        twice = reverse("admin:knowledge_resource_duplicates")
        yield Waiting(
            _("Suspected duplicates"), len(duplicates.suspects()), twice, _("Pairs of equal or nearly equal titles.")
        )

    # More pages -----------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("duplicates/", view(self.duplicates_view), name="knowledge_resource_duplicates"),
            path("<int:pk>/preview/", view(self.preview_view), name="knowledge_resource_preview"),
            path("<int:pk>/withdraw/", view(self.withdraw_view), name="knowledge_resource_withdraw"),
            *super().get_urls(),
        ]

    def duplicates_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        pairs = duplicates.suspects()
        rows = Resource.objects.for_listing().in_bulk(
            {pk for first, second, _likeness in pairs for pk in (first, second)}
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Suspected duplicates"),
            "opts": self.opts,
            "pairs": [
                ((self._card(rows[first]), self._card(rows[second])), round(100 * like))
                for first, second, like in pairs
            ],
        }
        return TemplateResponse(request, "admin/knowledge/resource/duplicates.html", context)

    def _card(self, resource: Resource) -> dict[str, Any]:
        return {"resource": resource, "badge": self.state_badge(resource), "publishers": self.publisher_names(resource)}

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The public page of a resource that the public cannot see yet; `?language=ar` shows it in that language."""
        from knowledge.views import resource_page  # noqa: PLC0415  the views are not needed before someone looks

        resource = Resource.objects.for_detail().filter(pk=pk).first()
        if resource is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        if not self.has_view_permission(request, resource):
            raise PermissionDenied
        language = request.GET.get("language", request.LANGUAGE_CODE)
        request.noindex = True  # type: ignore[attr-defined]
        with override(language if language in dict(settings.LANGUAGES) else request.LANGUAGE_CODE):
            response = resource_page(request, resource, preview=True)
            return response.render() if isinstance(response, TemplateResponse) else response

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        resource = self.get_object(request, str(pk))
        if resource is None or not permissions.can_withdraw(request.user, resource):
            raise PermissionDenied
        return self._ask(request, Resource.objects.filter(pk=pk), ReasonForm(), "withdraw")

    # The form ----------------------------------------------------------------------------------

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        resource = kwargs.get("obj") or Resource()
        context["steps"] = [step for step in STEPS.values() if step.is_open(request.user, resource)]
        context["badge"] = self.state_badge(resource)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for likeness in duplicates.likenesses(form.instance):
            url = reverse("admin:knowledge_resource_change", args=[likeness.resource.pk])
            text = _('This may be the same work as <a href="{url}">{name}</a>: {reason}.')
            messages.warning(request, format_html(text, url=url, name=likeness.resource, reason=likeness.reason))

    def response_add(self, request: HttpRequest, obj: Resource, post_url_continue: str | None = None) -> HttpResponse:
        return self._after_save(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Resource) -> HttpResponse:
        return self._after_save(request, obj) or super().response_change(request, obj)

    def _after_save(self, request: HttpRequest, resource: Resource) -> HttpResponse | None:
        """Takes the step whose button saved the form."""
        step = STEPS.get(request.POST.get("_step", ""))
        if step is None:
            return None
        if step.name == "withdraw":
            return HttpResponseRedirect(reverse("admin:knowledge_resource_withdraw", args=[resource.pk]))
        self._take(request, Resource.objects.filter(pk=resource.pk), step)
        return HttpResponseRedirect(reverse("admin:knowledge_resource_change", args=[resource.pk]))

    # Actions ------------------------------------------------------------------------------------

    def _take(self, request: HttpRequest, queryset: QuerySet[Resource], step: Step, **given: Any) -> None:
        """The step for each row by itself; what cannot be done is said in a sentence."""
        done = 0
        for resource in queryset:
            try:
                if not step.is_open(request.user, resource):
                    text = _("“%(resource)s” is in the state “%(state)s”: this step is not open to it.")
                    raise ValidationError(text % {"resource": resource, "state": resource.get_state_display()})
                step.act(resource=resource, by=request.user, **given)
                done += 1
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        if done:
            messages.success(request, step.done % {"count": done})

    def _ask(self, request: HttpRequest, queryset: QuerySet[Resource], form: forms.Form, action: str) -> HttpResponse:
        """The page between the choice of an action and the act: it names the objects."""
        title, explanation, button = {
            "withdraw": (
                _("Withdraw resources"),
                _("Their addresses stay and will say since when and why."),
                _("Withdraw"),
            ),
            "set_topics": (
                _("Set topics"),
                _("The topics are added to those that each resource has."),
                _("Set topics"),
            ),
        }[action]
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": explanation,
            "button": button,
            "action": action,
            "form": form,
            "media": self.media + form.media,
            "items": queryset,
            "opts": self.opts,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    @admin.action(description=STEPS["submit"].label, permissions=["review"])
    def submit(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        self._take(request, queryset, STEPS["submit"])

    @admin.action(description=STEPS["return_to_draft"].label, permissions=["review"])
    def return_to_draft(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        self._take(request, queryset, STEPS["return_to_draft"])

    @admin.action(description=STEPS["publish"].label, permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        self._take(request, queryset, STEPS["publish"])

    @admin.action(description=gettext_lazy("Withdraw…"), permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Resource]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, queryset, form, "withdraw")
        self._take(request, queryset, STEPS["withdraw"], reason=form.cleaned_data["reason"])
        return None

    @admin.action(description=STEPS["reinstate"].label, permissions=["publish"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        self._take(request, queryset, STEPS["reinstate"])

    @admin.action(description=gettext_lazy("Set topics…"), permissions=["change"])
    def set_topics(self, request: HttpRequest, queryset: QuerySet[Resource]) -> HttpResponse | None:
        form = TopicsForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, queryset, form, "set_topics")
        self._set_topics(request, queryset, **form.cleaned_data)
        return None

    @transaction.atomic
    def _set_topics(
        self, request: HttpRequest, queryset: QuerySet[Resource], *, topics: QuerySet[Topic], replace: bool
    ) -> None:
        done = 0
        for resource in queryset:
            if not self.has_change_permission(request, resource):
                text = _("“%(resource)s” is published: only those who publish may change it.")
                messages.error(request, text % {"resource": resource})
                continue
            if replace:
                resource.topics.set(topics)
            else:
                resource.topics.add(*topics)
            self.log_change(request, resource, [{"changed": {"fields": ["Topics"]}}])
            done += 1
        if done:
            text = ngettext(
                "The topics of %(count)d resource were set.", "The topics of %(count)d resources were set.", done
            )
            messages.success(request, text % {"count": done})


# Topics and synonyms ------------------------------------------------------------------------


@admin.register(Topic)
class TopicAdmin(Exports, EventHistory, LanguageTabs):
    resource_classes = (TopicFile,)
    history_name = "name_en"
    list_display = ("name", "position", "resources_published")
    search_fields = (*translated("name"), "slug")
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012  Django's own form
    view_on_site = False
    fieldsets = (
        *language_fieldsets("name", "introduction"),
        (gettext_lazy("Record"), {"fields": ("slug", "position")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.with_resource_count()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    @admin.display(description=gettext_lazy("published resources"), ordering="resource_count")
    def resources_published(self, topic: Any) -> int:
        return int(topic.resource_count)


@admin.register(Synonym)
class SynonymAdmin(ImportsAndExports, EventHistory, ListFields):
    resource_classes = (SynonymFile,)
    history_name = "concept"
    list_display = ("concept", "terms_in_a_row", "is_active")
    list_filter = ("is_active",)
    search_fields = ("concept", "terms")
    fields = ("concept", "terms", "is_active")

    @admin.display(description=gettext_lazy("terms"))
    def terms_in_a_row(self, synonym: Synonym) -> str:
        return " · ".join(synonym.terms)
