"""People and places in the back office."""

from typing import Any

import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401  both register their models first
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_tasks_db.admin import DBTaskResultAdmin
from django_tasks_db.models import DBTaskResult

from ewaste_portal.models import Country, Region, User
from ewaste_portal.workplace import translated


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)
        field_classes: dict[str, Any] = {}  # noqa: RUF012  Django's own names a username field

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, Any] = {}  # noqa: RUF012  Django's own names a username field

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    form = UserForm
    add_form = NewUserForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups", "language")
    search_fields = ("email", "first_name", "last_name")
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "language", "theme")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "groups", "is_superuser", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)


class ReferenceAdmin(admin.ModelAdmin):
    """Facts of the United Nations: every member of staff may look them up, nobody edits them here."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Region)
class RegionAdmin(ReferenceAdmin):
    list_display = ("m49", "name", "parent")
    list_display_links = ("name",)
    list_select_related = ("parent",)
    search_fields = ("=m49", *translated("name"))
    fields = ("m49", *translated("name"), "parent")


@admin.register(Country)
class CountryAdmin(ReferenceAdmin):
    list_display = ("iso3", "name", "region", "is_ldc", "is_lldc", "is_sids")
    list_display_links = ("name",)
    list_filter = ("is_ldc", "is_lldc", "is_sids", ("region", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("region",)
    search_fields = ("=iso3", "=iso2", "=m49", *translated("name"))
    fields = ("iso3", "iso2", "m49", *translated("name"), "region", "is_ldc", "is_lldc", "is_sids")


# Sessions and second factors are their owners' own business, on the pages of the account.
admin.site.unregister([Authenticator, UserSession])
admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(DBTaskResultAdmin):
    """What waits, runs or failed; never what a task was given, since mails carry codes and names."""

    fields = (
        "id",
        "task_name",
        "status",
        "queue_name",
        "priority",
        "enqueued_at",
        "started_at",
        "finished_at",
        "exception_class_path",
    )
    readonly_fields = fields
