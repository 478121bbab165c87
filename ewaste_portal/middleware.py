"""What every answer passes through."""

import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from ewaste_portal import logs

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives each request an id, the proxy's if it sent a sensible one; log lines and the answer carry it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identifier = given if re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else uuid.uuid4().hex
        logs.request_id.set(identifier)  # not reset: Django logs an answer's error after all middleware
        response = self.get_response(request)
        response["X-Request-ID"] = identifier
        return response


class CachePolicyMiddleware:
    """The one place that decides who may keep an answer.

    With a session cookie it is private; with a cookie to set (a page with a POST form) nobody keeps it;
    else anyone may, for a minute. A view that set Cache-Control itself is left alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(settings.STATIC_URL):
            return response
        if response.cookies or request.method not in {"GET", "HEAD"}:
            response["Cache-Control"] = "private, no-store"
        elif settings.SESSION_COOKIE_NAME in request.COOKIES:
            if "no-store" not in response.get("Cache-Control", ""):
                response["Cache-Control"] = "private, no-cache"
        elif not response.has_header("Cache-Control"):
            if response.status_code in {200, 301, 304, 404, 410}:
                patch_cache_control(response, public=True, max_age=60)
                patch_vary_headers(response, ["Cookie"])  # a reader who signs in must not get the page of before
            else:
                response["Cache-Control"] = "no-store"
        return response


class BurstMiddleware:
    """Answers a crowd from memory: a page that anyone may keep for a minute is kept here for PORTAL_BURST_SECONDS.

    Only for readers without any cookie, of answers that set none, vary by nothing but a cookie and may be kept; what has
    to be asked for anew each time, such as the wall of a signing ceremony, half a second at most. Half a thousand people
    who open an agenda at once cost as much as one; nobody reads what is older than these seconds.
    """

    MOST_PAGES, MOST_OCTETS, LIVE_SECONDS = 200, 300_000, 0.5

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.kept: dict[str, tuple[float, HttpResponse]] = {}  # until when, on the clock of time.monotonic()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.PORTAL_BURST_SECONDS or request.method != "GET" or request.COOKIES:
            return self.get_response(request)
        address, now = f"{request.get_host()} {request.get_full_path()}", time.monotonic()
        until, page = self.kept.get(address, (0.0, None))
        if page is not None and now < until:
            return self._copy(page)
        known = request.META.pop("HTTP_IF_NONE_MATCH", None)  # the whole page, for all; ConditionalGet compares it
        response = self.get_response(request)
        if known is not None:
            request.META["HTTP_IF_NONE_MATCH"] = known
        seconds = self._may_keep_for(response)
        if seconds:
            if len(self.kept) >= self.MOST_PAGES:
                self.kept.clear()
            self.kept[address] = (now + seconds, self._copy(response))
        return response

    def _may_keep_for(self, response: HttpResponse) -> float:
        cache = response.get("Cache-Control", "public")
        if (
            response.status_code != 200
            or response.streaming
            or response.cookies
            or response.get("Vary", "Cookie") != "Cookie"
            or not {part.strip() for part in cache.split(",")} & {"public"}
            or len(response.content) > self.MOST_OCTETS
        ):
            return 0
        seconds = float(settings.PORTAL_BURST_SECONDS)
        return min(seconds, self.LIVE_SECONDS) if "no-cache" in cache else seconds

    @staticmethod
    def _copy(response: HttpResponse) -> HttpResponse:
        return HttpResponse(response.content, headers=dict(response.items()))


class PermissionsPolicyMiddleware:
    """Switches off what no page of the portal uses; passkeys stay allowed for ourselves."""

    POLICY = ", ".join(
        [
            *(
                f"{feature}=()"
                for feature in (
                    "accelerometer",
                    "camera",
                    "display-capture",
                    "geolocation",
                    "gyroscope",
                    "magnetometer",
                    "microphone",
                    "midi",
                    "payment",
                    "usb",
                    "browsing-topics",
                )
            ),
            "publickey-credentials-get=(self)",
            "publickey-credentials-create=(self)",
            "fullscreen=(self)",
        ]
    )

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = self.POLICY
        return response


class MethodNotAllowedMiddleware:
    """Django answers a wrong method with an empty page: here it gets one of ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content:
            return response
        request.noindex = True  # type: ignore[attr-defined]
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page
