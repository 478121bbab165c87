"""Mail through the queue: a task's arguments are JSON, and a mail is bytes in any script."""

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django_tasks_db.models import DBTaskResult

from ewaste_portal.mail import deliver

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "words",
    [
        "Plain.",
        "Déchets d’équipements.",
        "النفايات الإلكترونية.",
        "电子废物。",
        "Электронные отходы.",
        "é " * 2_000 + ".",
    ],
)
def test_mail_in_any_script_passes_the_queue_as_it_was_written(settings: Any, words: str) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "mail"]}}
    settings.EMAIL_BACKEND = "ewaste_portal.mail.QueuedEmailBackend"
    EmailMessage(subject=words[:20].strip(), body=words, to=["head@example.org"]).send()

    waiting = DBTaskResult.objects.get()
    deliver.func(*waiting.args_kwargs["args"])

    arrived: Any = mail.outbox[0].message()
    assert (str(arrived["Subject"]), arrived.get_content().strip()) == (words[:20].strip(), words)
    assert mail.outbox[0].recipients() == ["head@example.org"]
