"""The addresses of the portal: the language first, then the part."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path
from django.views.decorators.cache import cache_control

from ewaste_portal import views
from ewaste_portal.sitemaps import SITEMAPS

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler500 = views.server_error

short_cache = cache_control(public=True, max_age=3600)

urlpatterns = [
    path("", views.front_door, name="front_door"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    path(
        "sitemap.xml",
        short_cache(views.sitemap_index),
        {"sitemaps": SITEMAPS},
        name="sitemap_index",
    ),
    path("sitemap-<section>.xml", short_cache(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"),
    path("admin/", admin.site.urls),
    path("media/<path:name>", admin.site.admin_view(views.staff_file), name="staff_file"),
    *i18n_patterns(
        path("", views.HomeView.as_view(), name="home"),
        path("", include("knowledge.urls")),
        path("coalition/", include("coalition.urls")),
        path("", include("dialogue.urls")),
        path("about/", views.PageView.as_view(template_name="pages/about.html"), name="about"),
        path("about/indicators.csv", views.world_facts_csv, name="world_facts_csv"),
        path("accessibility/", views.PageView.as_view(template_name="pages/accessibility.html"), name="accessibility"),
        path("privacy/", views.PageView.as_view(template_name="pages/privacy.html"), name="privacy"),
        path("terms/", views.PageView.as_view(template_name="pages/terms.html"), name="terms"),
        path("contact/", views.ContactView.as_view(), name="contact"),
        path("account/preferences/", views.PreferencesView.as_view(), name="preferences"),
        path("account/", include("allauth.urls")),
        path("demo/mail/", views.demo_mail, name="demo_mail"),
        path("demo/mail/<str:name>/", views.demo_mail, name="demo_mail_message"),
    ),
]
