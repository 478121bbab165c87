"""Markdown of editors becomes HTML here and nowhere else: rendered, then cleaned."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {"p", "br", "em", "strong", "ul", "ol", "li", "a", "blockquote", "h2", "h3", "code"}
_markdown = MarkdownIt("commonmark", {"html": False})


def render(text: str) -> SafeString:
    """Safe HTML of a Markdown text; raw HTML in it is shown as typed."""
    html = nh3.clean(
        _markdown.render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308  cleaned one line above
