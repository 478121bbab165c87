from django.db import migrations

TRIGGER = """
CREATE TRIGGER past_slug AFTER UPDATE OF slug ON public.coalition_entity
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION public.portal_remember_slug('entity')
"""


class Migration(migrations.Migration):
    dependencies = [("coalition", "0001_initial"), ("ewaste_portal", "0002_past_slugs")]

    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER past_slug ON public.coalition_entity")]
