"""Absolute addresses: always of the portal's own origin, never of what a request's Host header says."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap


def absolute(path: str) -> str:
    return f"{settings.PORTAL_ORIGIN}{path}"


class PortalSitemap(Sitemap):
    """A sitemap in the six languages."""

    i18n = True
    alternates = True
    x_default = True
    limit = 1_000

    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.PORTAL_ORIGIN).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.PORTAL_ORIGIN).netloc
