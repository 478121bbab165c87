"""A slug that changes leaves its old address behind: one trigger function for all models with slugs."""

from django.db import migrations

REMEMBER = """
CREATE FUNCTION public.portal_remember_slug() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    -- the new slug may have been somebody's past one: the living address wins
    DELETE FROM public.ewaste_portal_pastslug WHERE kind = TG_ARGV[0] AND slug = NEW.slug;
    INSERT INTO public.ewaste_portal_pastslug (kind, slug, object_id) VALUES (TG_ARGV[0], OLD.slug, OLD.id)
    ON CONFLICT (kind, slug) DO UPDATE SET object_id = EXCLUDED.object_id;
    RETURN NULL;
END
$f$
"""


class Migration(migrations.Migration):
    dependencies = [("ewaste_portal", "0001_initial")]

    operations = [migrations.RunSQL(REMEMBER, "DROP FUNCTION public.portal_remember_slug()")]
