"""The group of staff who prepare, publish and follow up dialogues."""

from django.contrib.auth.models import Group, Permission

from dialogue.permissions import EVENT_MANAGERS

MODELS = (
    "dialogue", "session", "person", "participation", "question", "answer", "desiredoutput", "expectedoutcome",
    "outcomeupdate", "document", "statement",
)  # fmt: skip
DELETED = ("session", "participation", "question", "answer", "desiredoutput", "expectedoutcome", "document")
MORE = ("publish_dialogue", "moderate_question", "check_in_attendance", "view_attendance", "view_change")


def load_groups() -> None:
    group, _created = Group.objects.get_or_create(name=EVENT_MANAGERS)
    wanted = [f"{verb}_{model}" for model in MODELS for verb in ("view", "add", "change")]
    wanted += [f"delete_{model}" for model in DELETED]
    found = Permission.objects.filter(
        content_type__app_label__in=["dialogue", "coalition", "knowledge"],
        codename__in=[*wanted, *MORE, "view_entity", "view_letter", "view_signature", "view_resource"],
    )
    group.permissions.set(found)
