"""The Coalition in the back office: entities and their people, files under review, letters, signatures, work, journal.

What the page of a file shows and can do is in coalition.cockpit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AdminDateWidget, AutocompleteSelect
from django.contrib.postgres.search import TrigramSimilarity
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext, ngettext_lazy, pgettext_lazy

from coalition import actions, certificates, clock, cockpit, permissions, verification, work_actions
from coalition.forms.logo import LogoFields
from coalition.models import (
    Entity,
    Initiative,
    JournalEntry,
    Letter,
    LetterText,
    Mandate,
    Membership,
    Pledge,
    PledgeUpdate,
    Round,
    Signature,
)
from ewaste_portal.workplace import (
    EventHistory,
    Exports,
    FileResource,
    LanguageTabs,
    Waiting,
    language_fieldsets,
    translated,
)

LIKENESS = 0.6


# What the pages below share --------------------------------------------------------------------


def badge(family: str, words: Any) -> str:
    return format_html('<span class="badge badge--{}">{}</span>', family, words)


def name_of(text: Any) -> str:
    return format_html("<bdi>{}</bdi>", text)


def code_of(text: str, length: int = 16) -> str:
    return format_html('<code dir="ltr" title="{}">{}</code>', text, text[:length]) if text else "–"


class ReadOnly(admin.ModelAdmin):
    """Shown, never changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Confirms(admin.ModelAdmin):
    """Actions with a page between the choice and the act, and a sentence for each row that refuses."""

    def ask(
        self,
        request: HttpRequest,
        queryset: Any,
        form: forms.Form,
        *,
        action: str,
        title: str,
        explanation: str,
        button: str,
    ) -> HttpResponse:
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

    def each(self, request: HttpRequest, queryset: Any, act: Callable[[Any], Any], done: Any) -> None:
        count = 0
        for row in queryset:
            try:
                act(row)
                count += 1
            except ValidationError as error:
                messages.error(request, f"{row}: {' '.join(error.messages)}")
        if count:
            messages.success(request, done % {"count": count})


def given(request: HttpRequest) -> Any:
    """What the page of Confirms.ask sent back; None while it has not been shown."""
    return request.POST if "confirmed" in request.POST else None


# Entities ---------------------------------------------------------------------------------------


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


class CheckedFilter(admin.SimpleListFilter):
    title = gettext_lazy("checked")
    parameter_name = "checked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entity]) -> QuerySet[Entity]:
        return queryset.filter(checked_at__isnull=self.value() == "no") if self.value() in {"no", "yes"} else queryset


@admin.register(Entity)
class EntityAdmin(Confirms, Exports, EventHistory, LanguageTabs):
    form = LogoFields
    resource_classes = (EntityFile,)
    history_name = "official_name_en"
    list_display = ("official_name", "short_name", "kind_label", "country", "is_checked", "merged_into")
    list_select_related = ("country", "merged_into")
    list_filter = ("kind", CheckedFilter, MergedFilter, "is_example")
    search_fields = (*translated("official_name", "short_name"), "=slug")
    autocomplete_fields = ("country",)
    prepopulated_fields = {"slug": ("official_name",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("checked_at", "checked_by", "merged_into", "created_at", "modified_at")
    actions = ("mark_checked", "merge")
    view_on_site = False
    fieldsets = (
        (None, {"fields": ("kind", "country", "website", "domains")}),
        *language_fieldsets("official_name", "short_name", "role_on_ewaste", "description"),
        (gettext_lazy("Logo"), {"fields": ("logo", "logo_permission")}),
        (
            gettext_lazy("Record"),
            {"fields": ("slug", "source", "is_example", ("checked_at", "checked_by"), "merged_into",
                        ("created_at", "modified_at"))},
        ),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_label(self, entity: Entity) -> str:
        return entity.get_kind_display()

    @admin.display(description=gettext_lazy("checked"), ordering="checked_at", boolean=True)
    def is_checked(self, entity: Entity) -> bool:
        return entity.checked_at is not None

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        if not request.user.has_perm("coalition.review_membership"):
            return
        listed = reverse("admin:coalition_entity_changelist") + "?checked=no&merged=no"
        yield Waiting(
            _("Entities to check"),
            Entity.objects.unchecked().count(),
            listed,
            _("Added by applicants; not public yet."),
        )

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
        if not change:
            obj.checked_at, obj.checked_by = timezone.now(), request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
        for other in look_alikes(obj):
            text = _(
                'This entity looks like <a href="{url}">{name}</a>. If they are the same, merge one into the other.'
            )
            url = reverse("admin:coalition_entity_change", args=[other.pk])
            messages.warning(request, format_html(text, url=url, name=other.official_name))

    @admin.action(description=gettext_lazy("Mark as checked"), permissions=["change"])
    def mark_checked(self, request: HttpRequest, queryset: QuerySet[Entity]) -> None:
        done = ngettext_lazy(
            "%(count)d entity was marked as checked.", "%(count)d entities were marked as checked.", "count"
        )
        self.each(request, queryset, lambda row: actions.check_entity(entity=row, by=request.user), done)  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Merge into another entity"), permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Entity]) -> HttpResponse | None:
        """The first time a page that names what would go; confirmed, the merge itself."""
        data = request.POST if "confirmed" in request.POST else None
        form = MergeForm(data, admin_site=self.admin_site, going=queryset)
        if form.is_valid():
            self._merge(request, queryset, form.cleaned_data["into"])
            return None
        return self.ask(
            request, queryset, form, action="merge", title=_("Merge entities"), button=_("Merge"),
            explanation=_(
                "Their addresses will lead to the entity that stays. It takes over their people, applications, memberships,"
                " initiatives and pledges, and their publications count as its own. People of an entity that was never"
                " checked have to be confirmed again. This cannot be undone."
            ),
        )  # fmt: skip

    def _merge(self, request: HttpRequest, queryset: QuerySet[Entity], into: Entity) -> None:
        merged = 0
        user: Any = request.user
        for entity in queryset:
            try:
                if not permissions.can_merge(user, entity):
                    raise ValidationError(_("It has people or files in the Coalition: a reviewer has to merge it."))
                actions.merge(entity=entity, into=into, by=user)
                merged += 1
            except ValidationError as error:
                messages.error(request, f"{entity}: {' '.join(error.messages)}")
        if merged:
            text = ngettext(
                "%(count)d entity was merged into “%(into)s”.",
                "%(count)d entities were merged into “%(into)s”.",
                merged,
            )
            messages.success(request, text % {"count": merged, "into": into})


# Memberships --------------------------------------------------------------------------------------


class WaitsFilter(admin.SimpleListFilter):
    title = gettext_lazy("waits for staff")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        waiting = Membership.objects.waiting_for_staff().order_by().values("pk")
        return queryset.filter(pk__in=waiting) if self.value() == "yes" else queryset


@admin.register(Membership)
class MembershipAdmin(EventHistory, ReadOnly):
    """A list of files; the page of each is the reviewer's cockpit, whose buttons call coalition.actions."""

    history_name = "state"
    list_display = ("entity_name", "track", "state_badge", "age", "round", "reviewed_by", "owner")
    list_display_links = ("entity_name",)
    list_select_related = ("entity", "round", "reviewed_by", "owner")
    list_filter = (
        "state",
        WaitsFilter,
        "track",
        "round",
        "origin",
        ("entity__is_example", admin.BooleanFieldListFilter),
    )
    search_fields = (
        *translated("entity__official_name", "entity__short_name"),
        "head_name",
        "head_email",
        "owner__email",
    )
    search_help_text = gettext_lazy("Name of the entity or of its Head, mail address.")
    ordering = ("-state_since",)
    list_per_page = 50
    view_on_site = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return permissions.can_see_memberships(request.user)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # a file is judged by itself

    @admin.display(description=gettext_lazy("entity"), ordering="entity__official_name")
    def entity_name(self, membership: Membership) -> str:
        return name_of(membership.entity)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, membership: Membership) -> str:
        if membership.is_recorded and membership.state == "active":
            return badge("quiet", membership.get_origin_display())  # nobody knows its present status
        return badge(clock.FAMILIES.get(membership.state, "quiet"), membership.get_state_display())

    @admin.display(description=gettext_lazy("days in this state"), ordering="-state_since")
    def age(self, membership: Membership) -> str:
        return badge(cockpit.age_family(membership), cockpit.age_in_days(membership))

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        here = reverse("admin:coalition_membership_changelist")
        counts = Membership.objects.aggregate(
            review=Count("pk", filter=Q(state="review")), signed=Count("pk", filter=Q(state="signed"))
        )
        oldest_first = "&o=-4"
        yield Waiting(
            _("Applications in review"), counts["review"], f"{here}?state__exact=review{oldest_first}",
            _("Waiting for a reviewer."),
        )  # fmt: skip
        yield Waiting(
            _("Signatures to countersign"), counts["signed"], f"{here}?state__exact=signed{oldest_first}",
            _("Waiting for somebody who did not review."),
        )  # fmt: skip
        yield Waiting(
            _("Reaffirmations to countersign"), Membership.objects.with_reaffirmation_to_countersign().count(),
            f"{here}?state__exact=active&waits=yes", _("Waiting for somebody who did not review."),
        )  # fmt: skip

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/step/<slug:name>/", view(self.step_view), name="coalition_membership_step"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("entity__country", "owner", "reviewed_by", "letter", "round", "nominated_by")
        return super().get_queryset(request).select_related(*related)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        membership = self.get_object(request, object_id)
        if membership is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_permission(request, membership):
            raise PermissionDenied
        return self._page(request, membership)

    def _page(
        self, request: HttpRequest, membership: Membership, bound: tuple[cockpit.Step, forms.Form] | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": membership,
            "opts": self.opts,
            "original": membership,
            "membership": membership,
            "cockpit": cockpit.Cockpit(membership, request.user, bound),
            "badge": self.state_badge(membership),
            "bound": bound,
            "media": self.media + cockpit.ApproveForm(membership=membership).media,
            "may_change_entity": request.user.has_perm("coalition.change_entity"),
            "may_see_mandates": request.user.has_perm("coalition.view_mandate"),
        }
        return TemplateResponse(
            request, "admin/coalition/membership/cockpit.html", context, status=422 if bound else 200
        )

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """One step of one file. What is refused shows the page again with the sentence and what was typed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        membership, step = self.get_object(request, str(pk)), cockpit.STEPS.get(name)
        if membership is None or step is None:
            raise Http404
        if not step.is_open(request.user, membership) and not self._was_open(request, step, membership):
            raise PermissionDenied
        form = step.form(request.POST, request.FILES, membership=membership, prefix=step.name)
        if form.is_valid():
            try:
                cockpit.take(step, membership=membership, by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            except ValidationError as error:
                form.add_error(None, ValidationError(error.messages))
            else:
                messages.success(request, str(step.done))
                return HttpResponseRedirect(reverse("admin:coalition_membership_change", args=[pk]))
        for sentence in form.non_field_errors():
            messages.error(request, str(sentence))
        membership.refresh_from_db()
        return self._page(request, membership, (step, form))

    def _was_open(self, request: HttpRequest, step: cockpit.Step, membership: Membership) -> bool:
        """True if the person may take the step in another state: a colleague was faster, and a sentence says so."""
        for state in Membership.State.values:
            before = Membership(pk=membership.pk, state=state, reviewed_by_id=membership.reviewed_by_id)
            before.proposed_end = membership.proposed_end
            if step.is_open(request.user, before):
                return True
        return False


# Signatures -----------------------------------------------------------------------------------------


class CertificateFilter(admin.SimpleListFilter):
    title = gettext_lazy("certificate missing")
    parameter_name = "certificate_missing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(pk__in=certificates.missing().values("pk")) if self.value() == "yes" else queryset


@admin.register(Signature)
class SignatureAdmin(ReadOnly):
    """Read only, and nothing of the private evidence."""

    list_display = ("name", "signer", "signed_on", "kind", "method", "code", "countersigned_by", "has_certificate")
    list_display_links = ("name",)
    list_select_related = ("countersigned_by",)
    list_filter = ("kind", "method", CertificateFilter, "letter", "is_example")
    search_fields = ("entity_name", "signer_name", "code", *translated("entity__official_name"))
    date_hierarchy = "signed_on"
    view_on_site = False
    fieldsets = (
        (None, {"fields": ("file", "letter", "kind", "method", "code", "public_page")}),
        (
            gettext_lazy("As signed"),
            {"fields": ("entity_name", "signer_name", "signer_title", "capacity", "signed_on", "signed_at", "language",
                        "source_url")},
        ),
        (gettext_lazy("Evidence"), {"fields": ("evidence", "evidence_sha256", "text_sha256", "private_sha256", "private_state")}),
        (gettext_lazy("Recorded by staff"), {"fields": ("recorded_by", "scan_link", "scan_sha256")}),
        (
            gettext_lazy("Countersignature and certificate"),
            {"fields": ("countersigned_by", "countersigned_at", "certificate_state", "certificate_sha256", "sealed_at")},
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("private")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    @admin.display(description=gettext_lazy("entity"), ordering="entity_name")
    def name(self, signature: Signature) -> str:
        return name_of(signature.entity_name)

    @admin.display(description=gettext_lazy("name"), ordering="signer_name")
    def signer(self, signature: Signature) -> str:
        return name_of(signature.signer_name or "–")

    @admin.display(description=gettext_lazy("certificate"), boolean=True)
    def has_certificate(self, signature: Signature) -> bool | None:
        return None if signature.method == "historical" else bool(signature.certificate)

    @admin.display(description=gettext_lazy("file"))
    def file(self, signature: Signature) -> str:
        url = reverse("admin:coalition_membership_change", args=[signature.membership_id])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', url, signature.membership)

    @admin.display(description=gettext_lazy("public page"))
    def public_page(self, signature: Signature) -> str:
        if not signature.code:
            return "–"
        return format_html('<a href="{}">{}</a>', signature.get_absolute_url(), _("What the public reads"))

    @admin.display(description=gettext_lazy("private evidence"))
    def private_state(self, signature: Signature) -> str:
        if not signature.private_sha256:
            return _("None was kept.")
        kept = Signature.objects.filter(pk=signature.pk).exclude(private="").exists()
        return _("Kept, and not shown here.") if kept else _("Erased.")

    @admin.display(description=gettext_lazy("scan or file"))
    def scan_link(self, signature: Signature) -> str:
        if not signature.scan:
            return "–"
        url = reverse("admin:coalition_signature_scan", args=[signature.pk])
        return format_html('<a href="{}">{}</a>', url, _("Download the scan"))

    @admin.display(description=gettext_lazy("certificate"))
    def certificate_state(self, signature: Signature) -> str:
        if signature.certificate:
            return _("Made and sealed.")
        if signature.countersigned_at is None:
            return "–"
        return certificates.why_waiting(signature) or _("It is made with the next sweep.")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [path("<int:pk>/scan/", view(self.scan_view), name="coalition_signature_scan"), *super().get_urls()]

    def scan_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """The uploaded file as it came, always as a download."""
        signature = self.get_object(request, str(pk))
        if not self.has_view_permission(request, signature):
            raise PermissionDenied
        return download(signature and signature.scan)

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        listed = reverse("admin:coalition_signature_changelist") + "?certificate_missing=yes"
        yield Waiting(
            _("Certificates missing"), certificates.missing().count(), listed, _("Countersigned, and not yet sealed.")
        )


def download(file: Any) -> FileResponse:
    """An upload, never shown inside a page of the portal. Http404 if there is none."""
    try:
        opened = file and file.open("rb")
    except FileNotFoundError:
        opened = None
    if not opened:
        raise Http404
    response = FileResponse(opened, as_attachment=True, filename=file.name.rpartition("/")[2])
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# Mandates ---------------------------------------------------------------------------------------------


class MandateForm(forms.ModelForm):
    """Staff record a Head; other roles are asked for in the entity's workspace, a delegate is named by the Head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Disabled, not read-only: the constraint on Heads needs the role, and a valid one.
        if "entity" in self.fields:
            self.fields["entity"].disabled = self.instance.pk is not None
        if "role" in self.fields:
            self.fields["role"].disabled = True
            self.fields["role"].initial = Mandate.Role.HEAD

    def clean(self) -> dict[str, Any] | None:
        super().clean()
        name, title = self.cleaned_data.get("name"), self.cleaned_data.get("title")
        changed = {"name", "title"} & set(self.changed_data)
        if self.instance.pk and changed and self.instance.signatures.exists():
            raise ValidationError(
                _("%(name)s, %(title)s has signed in this mandate: end it and record a new one.")
                % {"name": name, "title": title}
            )
        return self.cleaned_data


class ConfirmForm(forms.Form):
    how = forms.CharField(
        label=gettext_lazy("How it was confirmed"),
        max_length=200,
        help_text=gettext_lazy("Such as: called back on the number of the website."),
    )


class EndForm(forms.Form):
    on = forms.DateField(
        label=gettext_lazy("First day without the role"), widget=AdminDateWidget, initial=timezone.localdate
    )


class MandateStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("confirmation")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("To be confirmed")), ("today", _("Holding today"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "yes":
            return queryset.waiting()
        return queryset.holding() if self.value() == "today" else queryset


@admin.register(Mandate)
class MandateAdmin(Confirms, EventHistory):
    form = MandateForm
    history_name = "name"
    list_display = ("person", "role", "entity", "begins", "ends", "confirmed_badge")
    list_select_related = ("entity",)
    list_filter = ("role", MandateStateFilter)
    search_fields = ("name", "email", *translated("entity__official_name", "entity__short_name"))
    ordering = ("-created_at",)
    autocomplete_fields = ("entity",)
    readonly_fields = (
        "user",
        "delegated_by",
        "instrument_link",
        "confirmed_at",
        "confirmed_by",
        "confirmed_how",
        "created_at",
    )
    fields = ("entity", "role", "name", "title", "email", "during", *readonly_fields)
    actions = ("confirm", "decline", "end")
    view_on_site = False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.confirmed_at, obj.confirmed_by, obj.confirmed_how = timezone.now(), request.user, "recorded by staff"
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("full name"), ordering="name")
    def person(self, mandate: Mandate) -> str:
        return name_of(mandate.name)

    @admin.display(description=gettext_lazy("first day"), ordering="during")
    def begins(self, mandate: Mandate) -> Any:
        return mandate.during.lower

    @admin.display(description=gettext_lazy("ended"))
    def ends(self, mandate: Mandate) -> Any:
        return mandate.during.upper

    @admin.display(description=gettext_lazy("confirmed"), ordering="confirmed_at")
    def confirmed_badge(self, mandate: Mandate) -> str:
        if mandate.confirmed_at:
            return badge("success", _("Confirmed"))
        asked = mandate.role in {"focal-point", "assistant"} and mandate.during.upper is None
        return badge("warning", _("To be confirmed")) if asked else "–"

    @admin.display(description=gettext_lazy("instrument of delegation"))
    def instrument_link(self, mandate: Mandate) -> str:
        if not mandate.instrument:
            return "–"
        url = reverse("admin:coalition_mandate_instrument", args=[mandate.pk])
        return format_html('<a href="{}">{}</a>', url, _("Download the instrument"))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/instrument/", view(self.instrument_view), name="coalition_mandate_instrument"),
            *super().get_urls(),
        ]

    def instrument_view(self, request: HttpRequest, pk: int) -> FileResponse:
        mandate = self.get_object(request, str(pk))
        if not self.has_view_permission(request, mandate):
            raise PermissionDenied
        return download(mandate and mandate.instrument)

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        listed = reverse("admin:coalition_mandate_changelist") + "?waits=yes"
        yield Waiting(
            _("Roles to confirm"), Mandate.objects.waiting().count(), listed, _("People who ask to act for an entity.")
        )

    @admin.action(description=gettext_lazy("Confirm…"), permissions=["change"])
    def confirm(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = ConfirmForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="confirm", title=_("Confirm roles"), button=_("Confirm"),
                explanation=_("These people can then act for their entities, and are told by mail."),
            )  # fmt: skip
        how = form.cleaned_data["how"]
        done = ngettext_lazy("%(count)d role was confirmed.", "%(count)d roles were confirmed.", "count")
        self.each(request, queryset, lambda row: actions.confirm_role(mandate=row, by=request.user, how=how), done)  # type: ignore[arg-type]
        return None

    @admin.action(description=gettext_lazy("Decline…"), permissions=["change"])
    def decline(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="decline", title=_("Decline requests"), button=_("Decline"),
                explanation=_("The requests end today, and the people are told by mail."),
            )  # fmt: skip
        done = ngettext_lazy("%(count)d request was declined.", "%(count)d requests were declined.", "count")
        self.each(request, queryset, lambda row: actions.decline_role(mandate=row), done)
        return None

    @admin.action(description=gettext_lazy("End…"), permissions=["change"])
    def end(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = EndForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="end", title=_("End roles"), button=_("End"),
                explanation=_("Invitations to these people die with the role."),
            )  # fmt: skip
        day = form.cleaned_data["on"]
        done = ngettext_lazy("%(count)d role was ended.", "%(count)d roles were ended.", "count")
        self.each(request, queryset, lambda row: actions.end_role(mandate=row, on=day), done)
        return None


# Letters and rounds -----------------------------------------------------------------------------------------


class LetterTextFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        texts = [form for form in self.forms if form not in self.deleted_forms and form.has_changed()]
        if self.instance.is_historical and texts:
            raise ValidationError(_("A letter known from sources has no text here."), code="historical")


class LetterTextInline(admin.StackedInline):
    model = LetterText
    formset = LetterTextFormSet
    fields = ("language", "body", "hash")
    readonly_fields = ("hash",)
    extra = 0

    @admin.display(description="SHA-256")
    def hash(self, text: LetterText) -> str:
        return code_of(text.sha256 if text.pk else "", 64)

    def _is_open(self, letter: Letter | None) -> bool:
        return letter is None or letter.published_at is None

    def has_add_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        return super().has_add_permission(request, obj) and self._is_open(obj)

    def has_change_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_open(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_open(obj)


@admin.register(Letter)
class LetterAdmin(Confirms, EventHistory, LanguageTabs):
    change_form_template = "admin/coalition/letter/change_form.html"
    history_name = "title_en"
    inlines = (LetterTextInline,)
    list_display = ("title", "version", "kind", "dated", "state_badge", "signatures_here")
    list_filter = ("kind", "is_example")
    search_fields = (*translated("title"), "=version")
    readonly_fields = ("published_at", "published_by")
    actions = ("publish",)
    view_on_site = False
    fieldsets = (
        (None, {"fields": ("version", "kind", "dated", "place", "authentic_language", "follows", "is_example")}),
        *language_fieldsets("title"),
        (gettext_lazy("Source"), {"fields": ("source_url", "source_name")}),
        (gettext_lazy("State"), {"fields": ("published_at", "published_by")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(signature_count=Count("signatures"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is not None and obj.is_historical else self.inlines

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "kind")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    @admin.display(description=gettext_lazy("state"), ordering="published_at")
    def state_badge(self, letter: Letter) -> str:
        if letter.published_at:
            return badge("success", pgettext_lazy("letter", "Published"))
        return badge("quiet", pgettext_lazy("letter", "Draft"))

    @admin.display(description=gettext_lazy("signatures"), ordering="signature_count")
    def signatures_here(self, letter: Any) -> int:
        return int(letter.signature_count)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/publish/", view(self.publish_view), name="coalition_letter_publish"),
            *super().get_urls(),
        ]

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page that asks before a letter becomes final; reached from its form."""
        letter = self.get_object(request, str(pk))
        if letter is None or not permissions.can_publish_letter(request.user, letter):
            raise PermissionDenied
        return self._ask_to_publish(request, Letter.objects.filter(pk=pk), forms.Form())

    def _ask_to_publish(self, request: HttpRequest, queryset: Any, form: forms.Form) -> HttpResponse:
        return self.ask(
            request, queryset, form, action="publish", title=_("Publish Letters of Intent"), button=_("Publish for good"),
            explanation=_("Once published, neither text nor title can ever change: a correction is a new version."),
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Publish…"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self._ask_to_publish(request, queryset, form)
        done = ngettext_lazy("%(count)d letter was published.", "%(count)d letters were published.", "count")
        self.each(request, queryset, lambda row: actions.publish_letter(letter=row, by=request.user), done)  # type: ignore[arg-type]
        return None

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        letter = kwargs.get("obj")
        context["badge"] = self.state_badge(letter) if letter else ""
        context["may_publish"] = letter is not None and permissions.can_publish_letter(request.user, letter)
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Round)
class RoundAdmin(EventHistory, LanguageTabs):
    history_name = "title_en"
    list_display = ("title", "opens_on", "closes_on", "applications")
    search_fields = (*translated("title"), "=slug")
    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012  Django's own form
    view_on_site = False
    fieldsets = (
        *language_fieldsets("title"),
        (gettext_lazy("Record"), {"fields": ("slug", "opens_on", "closes_on")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(membership_count=Count("memberships"))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    @admin.display(description=gettext_lazy("applications"), ordering="membership_count")
    def applications(self, round: Any) -> int:
        return int(round.membership_count)


# Initiatives and pledges --------------------------------------------------------------------------------


class WorkReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The contributor will read it."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


@dataclass(frozen=True)
class WorkStep:
    """A change of publication as the form offers it."""

    name: str
    button: Any


class WorkAdmin(Confirms, EventHistory, LanguageTabs):
    """What focal points contribute and staff publish."""

    change_form_template = "admin/coalition/work/change_form.html"
    list_select_related = ("entity",)
    list_per_page = 50
    actions = ("publish", "return_for_changes", "withdraw")
    view_on_site = False
    waiting_label: Any = ""

    @admin.display(description=gettext_lazy("state"), ordering="publication")
    def state_badge(self, work: Initiative | Pledge) -> str:
        families = {"draft": "quiet", "submitted": "warning", "published": "success", "withdrawn": "danger"}
        return badge(families[work.publication], work.get_publication_display())

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_label(self, work: Initiative | Pledge) -> str:
        return work.get_kind_display()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"coalition.publish_{self.opts.model_name}"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the public reads is changed only by those who may publish."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.publication != "published" or self.has_publish_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was once published keeps its address: it is withdrawn, not deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        if not self.has_publish_permission(request):
            return
        listed = reverse(f"admin:coalition_{self.opts.model_name}_changelist") + "?publication__exact=submitted"
        count = self.model._default_manager.filter(publication="submitted").count()
        yield Waiting(self.waiting_label, count, listed, _("Contributed by entities, waiting to be published."))

    def _steps(self, request: HttpRequest, work: Any) -> list[WorkStep]:
        user: Any = request.user
        steps = []
        if permissions.can_publish_work(user, work):
            steps.append(WorkStep("publish", _("Publish")))
            if work.publication == "submitted":
                steps.append(WorkStep("return_for_changes", _("Return for changes…")))
        if self.has_publish_permission(request) and permissions.can_withdraw_work(user, work):
            steps.append(WorkStep("withdraw", _("Withdraw…")))
        return steps

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        work = kwargs.get("obj")
        context["badge"] = self.state_badge(work) if work else ""
        context["steps"] = self._steps(request, work) if work else []
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=gettext_lazy("Publish…"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="publish", title=_("Publish"), button=_("Publish"),
                explanation=_("They appear on the public pages, and whoever contributed them is told by mail."),
            )  # fmt: skip
        user: Any = request.user
        done = ngettext_lazy(
            "%(count)d contribution was published.", "%(count)d contributions were published.", "count"
        )
        self.each(request, queryset, lambda row: work_actions.publish(work=row, by=user), done)
        return None

    @admin.action(description=gettext_lazy("Return for changes…"), permissions=["publish"])
    def return_for_changes(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = WorkReasonForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="return_for_changes", title=_("Return for changes"), button=_("Return"),
                explanation=_("They are drafts again, and whoever contributed them is told by mail."),
            )  # fmt: skip
        reason = form.cleaned_data["reason"]
        user: Any = request.user
        done = ngettext_lazy("%(count)d contribution was returned.", "%(count)d contributions were returned.", "count")
        self.each(
            request,
            queryset,
            lambda row: work_actions.return_for_changes(work=row, by=user, reason=reason),
            done,
        )
        return None

    @admin.action(description=gettext_lazy("Withdraw…"), permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = forms.Form(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="withdraw", title=_("Withdraw"), button=_("Withdraw"),
                explanation=_("Their addresses stay and say that they were withdrawn."),
            )  # fmt: skip
        user: Any = request.user
        done = ngettext_lazy(
            "%(count)d contribution was withdrawn.", "%(count)d contributions were withdrawn.", "count"
        )
        self.each(request, queryset, lambda row: work_actions.withdraw(work=row, by=user), done)
        return None


@admin.register(Initiative)
class InitiativeAdmin(WorkAdmin):
    history_name = "title_en"
    waiting_label = gettext_lazy("Initiatives submitted")
    list_display = ("title", "state_badge", "entity", "kind_label", "first_year", "last_year")
    list_filter = ("publication", "kind", "status")
    search_fields = (*translated("title", "entity__official_name"), "entity__short_name_en", "=slug")
    autocomplete_fields = ("entity", "partners", "countries", "regions")
    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("published_at", "published_by", "created_by", "created_at", "modified_at")
    fieldsets = (
        (None, {"fields": ("entity", "partners", "kind", "status", ("first_year", "last_year"))}),
        *language_fieldsets("title", "summary"),
        (gettext_lazy("What it is about"), {"fields": ("focus", "stages", "countries", "regions")}),
        (gettext_lazy("Source"), {"fields": ("website", "source_url")}),
        (
            gettext_lazy("Record"),
            {"fields": ("slug", ("published_at", "published_by"), "created_by", ("created_at", "modified_at"))},
        ),
    )


class PledgeUpdateInline(admin.TabularInline):
    """Progress notes as the entity wrote them."""

    model = PledgeUpdate
    fields = ("on", "text", "created_by")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Pledge)
class PledgeAdmin(WorkAdmin):
    history_name = "title_en"
    waiting_label = gettext_lazy("Pledges submitted")
    inlines = (PledgeUpdateInline,)
    list_display = ("title", "state_badge", "entity", "purpose", "kind_label")
    list_filter = ("publication", "purpose", "kind")
    search_fields = (*translated("title", "entity__official_name"), "entity__short_name_en", "=slug")
    autocomplete_fields = ("entity", "initiative")
    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("published_at", "published_by", "created_by", "created_at", "modified_at")
    fieldsets = (
        (None, {"fields": ("entity", "purpose", "initiative", "kind", ("amount", "currency"), "during")}),
        *language_fieldsets("title", "text"),
        (
            gettext_lazy("Record"),
            {"fields": ("slug", ("published_at", "published_by"), "created_by", ("created_at", "modified_at"))},
        ),
    )


# Journal ---------------------------------------------------------------------------------------------------


@admin.register(JournalEntry)
class JournalAdmin(ReadOnly):
    """Every line, newest first, and above them what the nightly walk through the registry found."""

    change_list_template = "admin/coalition/journalentry/change_list.html"
    list_display = ("pk", "at", "what", "entity", "account", "short_hash")
    list_select_related = ("membership__entity",)
    list_filter = ("event",)
    search_fields = ("event", "=hash", *translated("membership__entity__official_name"))
    search_help_text = gettext_lazy("Event, hash, name of the entity.")
    ordering = ("-pk",)
    list_per_page = 100
    view_on_site = False
    fields = ("at", "what", "membership", "payload", "prev", "hash")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"registry": verification.last_report(), "title": self.opts.verbose_name_plural}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.display(description=gettext_lazy("event"), ordering="event")
    def what(self, entry: JournalEntry) -> str:
        return cockpit.event_label(entry.event)

    @admin.display(description=gettext_lazy("entity"))
    def entity(self, entry: JournalEntry) -> str:
        return name_of(entry.membership.entity) if entry.membership else "–"

    @admin.display(description=gettext_lazy("account"))
    def account(self, entry: JournalEntry) -> str:
        return str(cockpit.read_payload(entry.payload).get("account") or "–")

    @admin.display(description=gettext_lazy("hash"))
    def short_hash(self, entry: JournalEntry) -> str:
        return code_of(entry.hash, 12)
