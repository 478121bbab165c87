"""All names of an entity in one column, folded, and the words they are made of, by which misspelt ones are found."""

from django.db import migrations, models

import coalition.models.entities

# unaccent() is not called immutable because its dictionary might change; ours does not.
FOLD = """
CREATE FUNCTION public.coalition_fold(VARIADIC names text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT lower(public.unaccent('public.unaccent', array_to_string(names, ' ; ')))
$f$
"""

# Words stay when the last name that has them goes: what then resembles them leads to nothing.
WORDS = """
CREATE TABLE public.coalition_nameword (word text PRIMARY KEY);
CREATE INDEX coalition_nameword_trigrams ON public.coalition_nameword USING gin (word public.gin_trgm_ops) WITH (fastupdate = off);

CREATE FUNCTION public.coalition_keep_words() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    INSERT INTO public.coalition_nameword
    SELECT DISTINCT word FROM regexp_split_to_table(NEW.names, '[^[:alnum:]]+') word WHERE length(word) BETWEEN 3 AND 60
    ORDER BY word  -- in one order, so that two who write at once do not wait for each other in a circle
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$f$;
CREATE TRIGGER keep_words AFTER INSERT ON public.coalition_entity
    FOR EACH ROW EXECUTE FUNCTION public.coalition_keep_words();
CREATE TRIGGER keep_new_words AFTER UPDATE ON public.coalition_entity
    FOR EACH ROW WHEN (OLD.names IS DISTINCT FROM NEW.names) EXECUTE FUNCTION public.coalition_keep_words();

INSERT INTO public.coalition_nameword
SELECT DISTINCT word FROM public.coalition_entity, regexp_split_to_table(names, '[^[:alnum:]]+') word
WHERE length(word) BETWEEN 3 AND 60
"""

NO_WORDS = """
DROP TRIGGER keep_words ON public.coalition_entity;
DROP TRIGGER keep_new_words ON public.coalition_entity;
DROP FUNCTION public.coalition_keep_words();
DROP TABLE public.coalition_nameword
"""

NAME_COLUMNS = [
    f"{field}_{column}"
    for field in ("official_name", "short_name")
    for column in ("ar", "zh_hans", "en", "fr", "ru", "es")
]


class Migration(migrations.Migration):
    dependencies = [("coalition", "0006_entity_checked")]

    operations = [
        migrations.RunSQL(FOLD, "DROP FUNCTION public.coalition_fold(text[])"),
        migrations.AddField(
            model_name="entity",
            name="names",
            field=models.GeneratedField(
                db_persist=True,
                expression=coalition.models.entities.Folded(*NAME_COLUMNS),
                output_field=models.TextField(),
                verbose_name="all names",
            ),
        ),
        migrations.RunSQL(WORDS, NO_WORDS),
        # nothing searches the English name alone any more
        migrations.RemoveIndex(model_name="entity", name="entity_name_trigrams"),
    ]
