"""How an entity stands to the Coalition, as the public reads it: never more than what is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from coalition.models import Entity, Membership, Signature
from coalition.querysets import MembershipQuerySet

# `member`: a source names the entity as a member, no signature is known. `none`: no membership at all.
TRACKS = {
    "signatory": gettext_lazy("Signatory"),
    "supporter": gettext_lazy("Supporter"),
    "member": gettext_lazy("Named as a member by a source"),
    "none": gettext_lazy("Neither"),
}
# `recorded`: known from sources; its present status is for the secretariat to confirm.
STATUSES = {
    "active": pgettext_lazy("membership", "Active"),
    "recorded": gettext_lazy("Recorded from sources"),
    "suspended": pgettext_lazy("membership", "Suspended"),
    "withdrawn": pgettext_lazy("membership", "Withdrawn"),
    "removed": pgettext_lazy("membership", "Removed"),
}
WORDS = {
    ("signatory", "active"): gettext_lazy("Signatory since %(date)s"),
    ("signatory", "recorded"): gettext_lazy("Signed on %(date)s, according to a source"),
    ("signatory", "suspended"): gettext_lazy("Signatory, suspended since %(date)s"),
    ("signatory", "withdrawn"): gettext_lazy("Signatory, withdrew on %(date)s"),
    ("signatory", "removed"): gettext_lazy("Signatory, removed on %(date)s"),
    ("supporter", "active"): gettext_lazy("Supporter since %(date)s"),
    ("supporter", "recorded"): gettext_lazy("Supporter, according to a source of %(date)s"),
    ("supporter", "suspended"): gettext_lazy("Supporter, suspended since %(date)s"),
    ("supporter", "withdrawn"): gettext_lazy("Supporter, withdrew on %(date)s"),
    ("supporter", "removed"): gettext_lazy("Supporter, removed on %(date)s"),
    ("member", "recorded"): gettext_lazy("Named as a member by a source of %(date)s"),
    ("member", "suspended"): gettext_lazy("Named as a member, suspended since %(date)s"),
    ("member", "withdrawn"): gettext_lazy("Named as a member, withdrew on %(date)s"),
    ("member", "removed"): gettext_lazy("Named as a member, removed on %(date)s"),
}
FAMILIES = {"active": "success", "recorded": "", "suspended": "warning", "withdrawn": "quiet", "removed": "quiet"}


def current(listed: str) -> str:
    """SQL of (id, track, status): each entity's membership of a track, what stands before what ended.

    `listed` selects the numbers of the memberships that are public. Those of a merged entity are its successor's.
    """
    return f"""
        SELECT DISTINCT ON (1, 2) coalesce(e.merged_into_id, e.id) AS id,
            CASE WHEN m.origin = 'recorded' AND m.track = 'signatory'
                      AND NOT EXISTS (SELECT FROM coalition_signature s WHERE s.membership_id = m.id AND s.kind = 'original')
                 THEN 'member' ELSE m.track END AS track,
            CASE WHEN m.origin = 'recorded' AND m.state = 'active' THEN 'recorded' ELSE m.state END AS status
        FROM coalition_membership m JOIN coalition_entity e ON e.id = m.entity_id
        WHERE m.id IN ({listed})
        ORDER BY 1, 2, m.ended_on DESC, m.created_at DESC, m.id DESC  -- DESC puts what has not ended first
    """  # noqa: S608  a query of the ORM


def words(track: str, status: str, day: date | None) -> str:
    return WORDS[track, status] % {"date": date_format(day, "DATE_FORMAT") if day else _("a day that is not known")}


@dataclass(frozen=True)
class Standing:
    """One membership in plain words."""

    membership: Membership
    track: str

    @property
    def status(self) -> str:
        state = self.membership.state
        return "recorded" if self.membership.is_recorded and state == "active" else state

    @property
    def since(self) -> date | None:
        """The day of joining; for what is recorded without it, the day of the source."""
        return self.membership.active_since or self.membership.recorded_on

    @property
    def on(self) -> date | None:
        """The day of what the words tell."""
        if self.status == "suspended":
            return timezone.localdate(self.membership.state_since)
        return self.membership.ended_on or self.since

    @property
    def words(self) -> str:
        return words(self.track, self.status, self.on)

    @property
    def family(self) -> str:
        return FAMILIES[self.status]

    @property
    def track_label(self) -> str:
        return str(TRACKS[self.track])

    @property
    def status_label(self) -> str:
        return str(STATUSES[self.status])

    @property
    def is_grey(self) -> bool:
        """Nothing to show with: suspended, withdrawn or removed."""
        return self.status in {"suspended", "withdrawn", "removed"}


def memberships() -> MembershipQuerySet:
    """The listed memberships with what `of` needs, the one that counts first."""
    signed = Signature.objects.listed().filter(membership=OuterRef("pk"), kind="original")
    return (
        Membership.objects.listed()
        .select_related("entity", "letter")
        .annotate(has_signature=Exists(signed))
        .order_by("-ended_on", "-created_at", "-pk")
    )


def of(membership: Any) -> Standing:
    """Takes a row of `memberships()`."""
    is_named = membership.is_recorded and membership.track == "signatory" and not membership.has_signature
    return Standing(membership, "member" if is_named else membership.track)


def histories(entities: Iterable[Entity]) -> dict[int, list[Standing]]:
    """All standings of each entity, with those of entities merged into it: what stands first; one query."""
    numbers = [entity.pk for entity in entities]
    found: dict[int, list[Standing]] = {number: [] for number in numbers}
    if numbers:
        for row in memberships().filter(Q(entity__in=numbers) | Q(entity__merged_into__in=numbers)):
            found[row.entity.merged_into_id or row.entity_id].append(of(row))
    return found


def latest(standings: Iterable[Standing]) -> list[Standing]:
    """The first of each track."""
    return list({standing.track: standing for standing in reversed(list(standings))}.values())[::-1]


def attach(entities: Iterable[Entity]) -> None:
    """Gives each entity `standings`: where it stands today; one query."""
    rows: list[Any] = list(entities)
    found = histories(rows)
    for entity in rows:
        entity.standings = latest(found[entity.pk])
