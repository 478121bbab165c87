"""Finding resources: `search()` is the one way in. docs/search.md tells how it works."""

from knowledge.search.catalogue import FACETS
from knowledge.search.results import PAGE_SIZE, SORTS, Results, search, suggest

__all__ = ["FACETS", "PAGE_SIZE", "SORTS", "Results", "search", "suggest"]
