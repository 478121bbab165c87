"""The admin site: who may enter, and what its start page shows."""

from collections.abc import Iterator
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ewaste_portal import history

CHANGES_SHOWN = 12


class BackOffice(AdminSite):
    site_title = _("Back office")
    site_header = _("Back office")
    index_title = _("What waits")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff; with a second factor in this session as soon as one is enrolled or the portal demands one."""
        if not super().has_permission(request):
            return False
        if self._used_second_factor(request):
            return True
        return not (settings.PORTAL_STAFF_MFA or self._has_second_factor(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sends to the portal's own sign-in, which asks for the second factor and is throttled."""
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return redirect("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(target, reverse("account_login"))
        if super().has_permission(request) and not self._has_second_factor(request):
            return render(request, "admin/second_factor.html", status=403)
        return render(request, "admin/no_access.html", {"target": target}, status=403)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "portal_demo": settings.PORTAL_DEMO}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        """What waits for a person, the latest changes, and every list."""
        mine = [model_admin for model_admin in self._registry.values() if model_admin.has_view_permission(request)]
        waiting = [
            line
            for model_admin in mine
            if hasattr(model_admin, "what_waits")
            for line in model_admin.what_waits(request)
        ]
        context = {"waiting": waiting, "latest_changes": list(self._latest_changes(mine)), **(extra_context or {})}
        return super().index(request, context)

    def _latest_changes(self, model_admins: list[Any]) -> Iterator[history.Entry]:
        tracked = {
            model_admin.model: model_admin for model_admin in model_admins if hasattr(model_admin, "latest_events")
        }
        events = [event for model_admin in tracked.values() for event in model_admin.latest_events(CHANGES_SHOWN * 3)]
        for event, who in history.latest(events, CHANGES_SHOWN):
            model_admin = tracked[event.pgh_tracked_model]
            yield history.Entry(
                at=event.pgh_created_at,
                verb=history.verb(event),
                who=who,
                where=capfirst(str(model_admin.opts.verbose_name)),
                what=getattr(event, model_admin.history_name),
                url="" if event.pgh_label == "delete" else self._history_url(model_admin, event.pgh_obj_id),
            )

    def _history_url(self, model_admin: Any, pk: Any) -> str:
        return reverse(f"{self.name}:{model_admin.opts.app_label}_{model_admin.opts.model_name}_history", args=[pk])

    @staticmethod
    def _used_second_factor(request: HttpRequest) -> bool:
        methods = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
        return any(method.get("method") == "mfa" for method in methods)

    @staticmethod
    def _has_second_factor(request: HttpRequest) -> bool:
        return Authenticator.objects.filter(user_id=request.user.pk).exists()
