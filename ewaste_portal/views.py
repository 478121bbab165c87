"""Pages of the portal as a whole: home, about and its neighbours, errors, health."""

import logging
import sys
from typing import Any

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse, translate_url
from django.utils.translation import get_language_from_request, gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import FormView, TemplateView, UpdateView

from coalition.models import Signature
from ewaste_portal import charts, demo_mail as mailbox, world_facts
from ewaste_portal.addresses import PortalSitemap, absolute
from ewaste_portal.forms import ContactForm, PreferencesForm
from knowledge.models import Topic
from knowledge.search import search

HEADLINES = (
    "headline_generated_mt",
    "headline_collection_rate_percent",
    "headline_generated_kg_per_capita",
    "headline_generated_mt_projected",
)

logger = logging.getLogger(__name__)


class HomeView(TemplateView):
    """What is here: search, topics, the newest, numbers of the field."""

    template_name = "home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        results = search()
        return super().get_context_data(
            results=results,
            resources=results.resources(results.ids[:5]),
            topics=Topic.objects.all(),
            topic_counts=results.counts["topic"],
            language_count=len(results.counts["language"]),
            publisher_count=len(results.counts["publisher"]),
            signatory_count=Signature.objects.listed().real().standing().values("entity").distinct().count(),
            headlines=[world_facts.latest(indicator) for indicator in HEADLINES],
            chart=charts.bars(world_facts.series("generated_mt")),
            chart_facts=world_facts.series("generated_mt"),
            **kwargs,
        )


class PageView(TemplateView):
    """A page of words: about, accessibility, privacy, terms."""


class ContactView(FormView):
    """A message to those who run the portal, sent by mail and kept nowhere else."""

    template_name = "pages/contact.html"
    form_class = ContactForm

    def get_initial(self) -> dict[str, Any]:
        return {"subject": self.request.GET.get("subject", ""), "page": self.request.GET.get("page", "")[:500]}

    def form_valid(self, form: ContactForm) -> HttpResponse:
        if not ratelimit.consume(self.request, action="contact"):
            return error_page(self.request, 429)
        form.send()
        messages.success(self.request, _("Your message is on its way. We answer by e-mail."))
        return redirect("contact")


class PreferencesView(LoginRequiredMixin, UpdateView):
    """A signed-in reader's language and colours."""

    template_name = "account/preferences.html"
    form_class = PreferencesForm

    def get_object(self, queryset: Any = None) -> Any:
        return self.request.user

    def get_success_url(self) -> str:
        return translate_url(reverse("preferences"), self.object.language)

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        messages.success(self.request, _("Your preferences are saved."))
        return super().form_valid(form)


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """`/` leads to the home page in the language that the browser asks for."""
    response = HttpResponseRedirect(f"/{get_language_from_request(request)}/")
    response["Vary"] = "Accept-Language, Cookie"
    return response


def error_page(request: HttpRequest, status: int, context: dict[str, Any] | None = None) -> HttpResponse:
    request.noindex = True  # type: ignore[attr-defined]
    response = render(request, f"{status}.html", context, status=status)
    response.headers.setdefault("Cache-Control", "public, max-age=60" if status in {404, 410} else "no-store")
    return response


def too_many_requests(request: HttpRequest) -> HttpResponse:
    return error_page(request, 429)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    request.noindex = True  # type: ignore[attr-defined]
    return render(request, "403_csrf.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A file made beforehand by `manage.py make_error_pages`: needs neither database nor templates.

    503 while the database does not answer, else 500.
    """
    status = 503 if isinstance(sys.exc_info()[1], OperationalError) else 500
    language = request.path.split("/")[1]
    path = (
        settings.STATIC_ROOT / "errors" / f"{status}.{language if language in dict(settings.LANGUAGES) else 'en'}.html"
    )
    page = (
        path.read_bytes()
        if path.is_file()
        else b"<!doctype html><title>Error</title><h1>The page could not be made</h1>"
    )
    return HttpResponse(page, status=status, headers={"Retry-After": "120"} if status == 503 else None)


# Machines ------------------------------------------------------------------------


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """The portal can serve: database, migrations, queue and storage, each `ok` or a short reason; 503 if any is not."""
    answers = {}
    for name, check in READINESS.items():
        try:
            answers[name] = check() or "ok"
        except Exception as error:  # noqa: BLE001  whatever is wrong, readiness says so and goes on
            logger.warning("Readiness of %s failed: %s", name, type(error).__name__)
            answers[name] = f"failed: {type(error).__name__}"
    ready = all(answer == "ok" for answer in answers.values())
    return JsonResponse(answers, status=200 if ready else 503)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *"]
    if settings.PORTAL_INDEXED:
        lines += [
            "Disallow: /admin/",
            "Disallow: /*/account/",
            "Disallow: /*/resources/suggest/",
            "Disallow: /*?*format=",
        ]
        lines += [f"Sitemap: {absolute(reverse('sitemap_index'))}"]
    else:
        lines += ["Disallow: /"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
def sitemap_index(request: HttpRequest, sitemaps: dict[str, type[PortalSitemap]]) -> HttpResponse:
    """One address for each page of each section's sitemap, of the portal's own origin."""
    locations = []
    for section, sitemap in sitemaps.items():
        address = absolute(reverse("sitemap", args=[section]))
        pages = sitemap().paginator.num_pages
        locations += [address, *(f"{address}?p={page}" for page in range(2, pages + 1))]
    return render(
        request,
        "sitemap_index.xml",
        {"sitemaps": [{"location": location} for location in locations]},
        content_type="application/xml",
    )


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return HttpResponsePermanentRedirect(static("img/icon.svg"))


@require_safe
def world_facts_csv(request: HttpRequest) -> HttpResponse:
    """The figures of the home page with all that belongs to them: year, unit, source."""
    response = HttpResponse(world_facts.FILE.read_bytes(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="world-facts.csv"'
    return response


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} to apply" if plan else ""


def _queue() -> str:
    """A task that waits for more than ten minutes means that no worker runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = 'READY'"
            " AND (run_after IS NULL OR run_after < now()) AND enqueued_at < now() - interval '10 minutes'"
        )
        (waiting,) = cursor.fetchone()
    return f"{waiting} tasks wait for a worker" if waiting else ""


def _storage() -> str:
    name = default_storage.save("readyz", ContentFile(b"ok"))
    default_storage.delete(name)
    return ""


READINESS = {"database": _database, "migrations": _migrations, "queue": _queue, "storage": _storage}


@require_safe
def staff_file(request: HttpRequest, name: str) -> FileResponse:
    """An uploaded file as the back office links to it; readers get files by views of their own."""
    try:
        file = default_storage.open(name)
    except (OSError, SuspiciousFileOperation) as error:
        raise Http404 from error
    return FileResponse(file, as_attachment=True)


# The demo's mails ------------------------------------------------------------------


@require_safe
def demo_mail(request: HttpRequest, name: str = "") -> HttpResponse:
    """The mails that the demo would have sent, newest first. 404 anywhere but in the demo."""
    if not settings.PORTAL_DEMO:
        raise Http404
    request.noindex = True  # type: ignore[attr-defined]
    mails = mailbox.messages(limit=50)
    chosen = next((mail for mail in mails if mail.name == name), None)
    if name and chosen is None:
        return redirect("demo_mail")
    return render(request, "demo_mail.html", {"mails": mails, "chosen": chosen})
