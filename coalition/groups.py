"""The two groups of staff who look after the Coalition. Nobody should be in both, so that four eyes are four."""

from django.contrib.auth.models import Group, Permission

from coalition.permissions import COUNTERSIGNERS, REVIEWERS

MODELS = (
    "entity", "mandate", "membership", "letter", "lettertext", "round", "signature", "initiative", "pledge",
    "pledgeupdate", "journalentry",
)  # fmt: skip
SEEING = [f"view_{model}" for model in MODELS]
REVIEWING = [
    "review_membership", "add_entity", "change_entity", "add_mandate", "change_mandate", "add_initiative",
    "change_initiative", "publish_initiative", "add_pledge", "change_pledge", "publish_pledge",
]  # fmt: skip
COUNTERSIGNING = [
    "countersign_membership", "add_letter", "change_letter", "delete_letter", "add_lettertext", "change_lettertext",
    "delete_lettertext", "add_round", "change_round",
]  # fmt: skip


def load_groups() -> None:
    """Reviewers check applications, confirm roles, publish work; countersigners accept signatures, suspend, publish letters."""
    found = Permission.objects.filter(content_type__app_label="coalition")
    for name, codenames in ((REVIEWERS, REVIEWING), (COUNTERSIGNERS, COUNTERSIGNING)):
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(found.filter(codename__in=[*SEEING, *codenames]))
