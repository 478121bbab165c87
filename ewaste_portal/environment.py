"""Reads settings from the environment, strictly: what is missing or wrong stops the start with a sentence."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


def boolean(name: str, *, default: bool) -> bool:
    """`true` or `false`, nothing else."""
    value = os.environ.get(name, "").strip() or ("true" if default else "false")
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to true or false.")
    return value == "true"


def text(name: str, *, default: str | None = None) -> str:
    """A line of text; without a default it must be set."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set: see docs/operations.md for what to put there.")
    return default


def integer(name: str, *, default: int, at_least: int = 0) -> int:
    value = text(name, default=str(default))
    if not value.isdecimal() or int(value) < at_least:
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to a whole number of at least {at_least}.")
    return int(value)


def names(name: str, *, default: list[str] | None = None) -> list[str]:
    """Host names or addresses, separated by commas."""
    value = text(name, default="" if default is not None else None)
    return [part.strip() for part in value.split(",") if part.strip()] or (default or [])


def origin(name: str, *, default: str | None = None) -> str:
    """`https://host`, without a path or a slash at the end."""
    value = text(name, default=default)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to an address such as https://portal.example.org.")
    return value


def secret_key(*, demo: bool, var: Path) -> str:
    """SECRET_KEY; the demo alone makes one of its own, kept under var/."""
    value = os.environ.get("SECRET_KEY", "")
    if value:
        if len(value) < 50:
            raise ImproperlyConfigured("SECRET_KEY is too short: set it to at least 50 random characters.")
        return value
    if not demo:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: set it to at least 50 random characters, or PORTAL_DEMO=true to look around."
        )
    path = var / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text()


def database(*, var: Path) -> dict[str, object]:
    """DATABASE_URL, or the embedded PostgreSQL under var/pg."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return {"ENGINE": "ewaste_portal.embedded", "NAME": "portal", "OPTIONS": {"home": var / "pg"}}
    config = environ.Env.db_url_config(url)
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            "DATABASE_URL must name a PostgreSQL server: postgres://user:password@host:5432/name."
        )
    return {**config, "CONN_HEALTH_CHECKS": True}


def email(*, default: str) -> dict[str, Any]:
    """EMAIL_URL, such as smtp+tls://user:password@host:587."""
    url = text("EMAIL_URL", default=default)
    try:
        return dict(environ.Env.email_url_config(url))
    except (KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured("EMAIL_URL cannot be read: set it to smtp+tls://user:password@host:587.") from error
