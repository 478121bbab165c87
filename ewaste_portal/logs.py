"""Log lines as JSON, each with the id of the request that it belongs to."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

# Links of mails and of the moderator's desk: whoever has one can act.
SECRET_ADDRESS = re.compile(r"(/(?:sign|confirm|mine|desk)/)[^/\s?#\"']+")

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, request id; never a user, an address, a secret in a path or a form's content."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        discreet = {name: SECRET_ADDRESS.sub(r"\1…", value) for name, value in line.items()}
        return json.dumps(discreet, ensure_ascii=False)
