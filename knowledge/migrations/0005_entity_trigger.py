"""Search documents follow an entity's names, address and merging, and nothing else of it."""

from django.db import migrations

DROP = "DROP TRIGGER search_document ON public.coalition_entity;"
CREATE = """
CREATE TRIGGER search_document AFTER UPDATE ON public.coalition_entity
    FOR EACH ROW {} EXECUTE FUNCTION public.knowledge_refresh_named()
"""
NAMED = "WHEN ((OLD.words, OLD.slug, OLD.merged_into_id) IS DISTINCT FROM (NEW.words, NEW.slug, NEW.merged_into_id))"


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0004_resource_initiatives")]
    run_before = [("coalition", "0006_entity_checked")]  # which writes to all entities

    operations = [migrations.RunSQL(DROP + CREATE.format(NAMED), DROP + CREATE.format(""))]
