"""What every template knows of the portal; no query, and no look at the session of a visitor who has none."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.translation import get_language, get_language_info, gettext as _

TAGS = {"zh-hans": "zh-Hans"}


def language_tag(code: str) -> str:
    """The tag of BCP 47 for `lang` and `hreflang`: zh-hans becomes zh-Hans."""
    return TAGS.get(code, code)


@dataclass(frozen=True)
class Language:
    code: str
    tag: str
    name_local: str
    dir: str
    url: str
    is_current: bool


class Portal:
    """The portal as the current request sees it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def name(self) -> str:
        return settings.PORTAL_NAME or _("E-waste Knowledge Sharing Platform")

    @property
    def notice(self) -> str:
        return settings.PORTAL_NOTICE or _(
            "This demonstration is built from public facts. It is not an official site of the United Nations."
        )

    @property
    def demo(self) -> bool:
        return bool(settings.PORTAL_DEMO)

    @property
    def contact(self) -> str:
        return str(settings.PORTAL_CONTACT)

    @cached_property
    def signed_in(self) -> bool:
        return settings.SESSION_COOKIE_NAME in self.request.COOKIES and self.request.user.is_authenticated

    @property
    def is_staff(self) -> bool:
        return self.signed_in and bool(getattr(self.request.user, "is_staff", False))

    @property
    def theme(self) -> str:
        return str(getattr(self.request.user, "theme", "")) if self.signed_in else ""

    @property
    def section(self) -> str:
        parts = self.request.path.split("/")
        section = parts[2] if len(parts) > 2 else ""
        return {"dialogues": "dialogue", "people": "dialogue"}.get(section, section)

    @cached_property
    def canonical_query(self) -> str:
        """The query of the canonical address: a view that knows which parameters count sets it on the request."""
        return urlencode(getattr(self.request, "canonical_parameters", []))

    @property
    def canonical_url(self) -> str:
        query = f"?{self.canonical_query}" if self.canonical_query else ""
        return f"{settings.PORTAL_ORIGIN}{self.request.path}{query}"

    @property
    def noindex(self) -> bool:
        return not settings.PORTAL_INDEXED or getattr(self.request, "noindex", False)

    @cached_property
    def languages(self) -> list[Language]:
        current = get_language()
        query = f"?{self.request.GET.urlencode()}" if self.request.GET and self.request.method == "GET" else ""
        return [
            Language(
                code=code,
                tag=language_tag(code),
                name_local="中文" if code == "zh-hans" else get_language_info(code)["name_local"].capitalize(),
                dir="rtl" if get_language_info(code)["bidi"] else "ltr",
                url=translate_url(self.request.path, code) + query,
                is_current=code == current,
            )
            for code, _name in settings.LANGUAGES
        ]

    @property
    def alternates(self) -> list[dict[str, str]]:
        query = f"?{self.canonical_query}" if self.canonical_query else ""
        links = [
            {
                "tag": language.tag,
                "url": f"{settings.PORTAL_ORIGIN}{translate_url(self.request.path, language.code)}{query}",
            }
            for language in self.languages
        ]
        english = next(link for link in links if link["tag"] == "en")
        return [*links, {"tag": "x-default", "url": english["url"]}]


def portal(request: HttpRequest) -> dict[str, Any]:
    return {"portal": Portal(request), "LANGUAGE_TAG": language_tag(get_language() or "en")}


def messages(request: HttpRequest) -> dict[str, Any]:
    """Django's messages, without touching the session of a visitor who has none."""
    if (
        settings.SESSION_COOKIE_NAME in request.COOKIES
        or "messages" in request.COOKIES
        or hasattr(request, "_messages_set")
    ):
        return {"messages": get_messages(request)}
    return {"messages": []}
