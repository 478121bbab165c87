from django.db import migrations

TRIGGERS = """
CREATE TRIGGER past_slug AFTER UPDATE OF slug ON public.knowledge_resource
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION public.portal_remember_slug('resource');
CREATE TRIGGER past_slug AFTER UPDATE OF slug ON public.knowledge_topic
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION public.portal_remember_slug('topic');
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_search"), ("ewaste_portal", "0002_past_slugs")]

    operations = [
        migrations.RunSQL(
            TRIGGERS,
            "DROP TRIGGER past_slug ON public.knowledge_resource; DROP TRIGGER past_slug ON public.knowledge_topic",
        )
    ]
