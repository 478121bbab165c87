"""Who may sign for an entity, and who may pledge: the rules that the join page publishes."""

from django.utils.translation import gettext_lazy as _

# Per kind of entity: who signs, and who does not without an instrument of delegation.
WHO_SIGNS = {
    "un-body": (
        _("The executive head: Secretary-General, Director-General, Executive Director, Executive Secretary"),
        _("a director of a division, a focal point"),
    ),
    "intergovernmental": (_("The Secretary-General or other executive head of the secretariat"), _("a head of unit")),
    "national-government": (
        _(
            "For the Government: the Head of State or of Government, or the minister for foreign affairs."
            " For a ministry: its minister. For an agency: its head"
        ),
        _("a permanent secretary, a director, an ambassador"),
    ),
    "local-authority": (
        _("The mayor, governor or other elected or appointed chief"),
        _("a councillor, a head of department"),
    ),
    "manufacturer": (_("The chief executive officer or managing director"), _("a manager for sustainability or sales")),
    "recycler": (_("The owner, chief executive officer or managing director"), _("a site manager")),
    "producer-responsibility-organisation": (
        _("The chief executive officer or managing director"),
        _("a member of the board"),
    ),
    "business-association": (_("The president or secretary-general"), _("a member company")),
    "academia": (
        _("The rector, president or vice-chancellor; the director of an independent institute"),
        _("a professor, a dean"),
    ),
    "ngo": (_("The president, secretary-general or executive director"), _("a member, a project manager")),
    "foundation": (_("The president or chief executive officer"), _("a programme officer")),
    "trade-union": (_("The general secretary or president"), _("a branch officer")),
    "standards-body": (_("The secretary-general or chief executive officer"), _("the chair of a committee")),
    "partnership": (_("The chair of the steering body, or the executive head of the secretariat"), _("a partner")),
    "other": (_("The person who represents the entity by its statutes"), _("everybody else")),
}
PRIVATE_SECTOR = {
    "manufacturer",
    "recycler",
    "producer-responsibility-organisation",
    "business-association",
    "foundation",
    "other",
}
