"""Reads the mails that the demo keeps as files instead of sending them."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Mail:
    name: str
    subject: str
    to: str
    text: str
    sent_at: datetime | None


def messages(*, limit: int) -> list[Mail]:
    """The newest first."""
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", "") or "/nonexistent")
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    return [_read(path) for path in files[:limit]]


def _read(path: Path) -> Mail:
    mime = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = mime.get_body(("plain", "html"))
    text = str(body.get_content()) if body else ""
    date = mime["Date"]
    return Mail(
        name=path.stem,
        subject=str(mime["Subject"] or ""),
        to=str(mime["To"] or ""),
        text=text.split("\n" + "-" * 79)[0].strip(),
        sent_at=parsedate_to_datetime(str(date)) if date else None,
    )
