"""What a reader may ask of the chain of dialogues."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from dialogue.chain import Node
from ewaste_portal import vocabularies

UNKNOWN = _("“%(value)s” is not a value of this filter. It was left out.")


def _field(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, error_messages={"invalid_choice": UNKNOWN})


class ChainFilter(forms.Form):
    """Year, organizing entity and kind; each offers what there is. An unknown value is told and left out."""

    year = _field(_("Year"))
    entity = _field(_("Organized by"))
    kind = _field(pgettext_lazy("of a dialogue", "Kind"))

    def __init__(self, *args: Any, nodes: Iterable[Node], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nodes = list(nodes)
        years = {year for node in nodes for year in node.years}
        entities = {entity.slug: str(entity) for node in nodes for entity in node.organizers}
        kinds = {node.dialogue.kind for node in nodes if node.dialogue}
        self._offer("year", [(str(year), str(year)) for year in sorted(years, reverse=True)])
        self._offer("entity", sorted(entities.items(), key=lambda pair: pair[1].casefold()))
        self._offer("kind", [(code, vocabularies.label("dialogue_kind", code)) for code in sorted(kinds)])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = [("", pgettext_lazy("values of a filter", "All")), *choices]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """What is valid and not empty, for the address of the page."""
        self.is_valid()
        return [(name, value) for name in self.fields if (value := self.cleaned_data.get(name))]

    def passes(self, node: Node) -> bool:
        """With an entity or a kind chosen only dialogues: neither a Letter nor a membership has them."""
        wanted = dict(self.chosen)
        if "year" in wanted and int(wanted["year"]) not in node.years:
            return False
        if "entity" in wanted and wanted["entity"] not in {entity.slug for entity in node.organizers}:
            return False
        return "kind" not in wanted or (node.dialogue is not None and node.dialogue.kind == wanted["kind"])
