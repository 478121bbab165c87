-- How the library is searched, kept by PostgreSQL itself: whatever is saved, by whatever path, is what is found.
--
--   knowledge_vector(language, text)   the words of a text, as its language wants them
--   knowledge_query(text, phrase)      the same for what a reader types, in all languages at once
--   knowledge_refresh(resource ids)    writes knowledge_searchdocument; triggers call it
--
-- Everything names its schema: a restored dump runs with an empty search_path.

-- Words -----------------------------------------------------------------------------------------

-- One configuration a language: stop words first (with their accents), then accents folded, then stemmed.
DO $$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['en', 'english'], ['fr', 'french'], ['es', 'spanish'], ['ru', 'russian'], ['de', 'german'], ['pt', 'portuguese'],
        ['it', 'italian'], ['nl', 'dutch'], ['tr', 'turkish'], ['sv', 'swedish'], ['da', 'danish'], ['no', 'norwegian'],
        ['fi', 'finnish'], ['hu', 'hungarian']
    ] LOOP
        EXECUTE format('CREATE TEXT SEARCH DICTIONARY public.portal_%s_stop (TEMPLATE = simple, STOPWORDS = %s, ACCEPT = false)', pair[1], pair[2]);
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION public.portal_%s (COPY = pg_catalog.%s)', pair[1], pair[2]);
        EXECUTE format('ALTER TEXT SEARCH CONFIGURATION public.portal_%s ALTER MAPPING FOR word, hword, hword_part, asciiword, asciihword, hword_asciipart WITH public.portal_%s_stop, public.unaccent, pg_catalog.%s_stem', pair[1], pair[1], pair[2]);
    END LOOP;
END $$;

CREATE TEXT SEARCH CONFIGURATION public.portal_plain (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION public.portal_plain
    ALTER MAPPING FOR word, hword, hword_part, asciiword, asciihword, hword_asciipart WITH public.unaccent, pg_catalog.simple;

-- Chinese and Japanese: pairs of characters, runs kept apart by a full stop; Latin words and numbers whole.
CREATE FUNCTION public.knowledge_bigrams(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT coalesce(string_agg(
        CASE WHEN length(run) = 1 OR run ~ '^[A-Za-z0-9.]' THEN run
             ELSE (SELECT string_agg(substr(run, i, 2), ' ' ORDER BY i) FROM generate_series(1, length(run) - 1) i) END,
        ' 。 ' ORDER BY n), '')
    FROM (SELECT m[1] AS run, n
          FROM regexp_matches(t, '[\u4E00-\u9FFF\u3400-\u4DBF\u3040-\u30FF]+|[A-Za-z0-9.]+', 'g') WITH ORDINALITY AS x(m, n)) r
$f$;

-- Arabic: without vowel signs, one form of alef, ya and ha; conjunction, preposition, article and common endings taken off
-- while at least three letters stay.
CREATE FUNCTION public.knowledge_arabic(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    translate(regexp_replace(t, '[\u064B-\u065F\u0670\u0640]', '', 'g'), 'أإآٱىؤئة', 'ااااييءه'),
                    '\m[وف]?(?:[بك]?ال|لل)(?=[\u0621-\u064A]{3,})', '', 'g'),
                '\mال(?=[\u0621-\u064A]{3,})', '', 'g'),  -- again: without its hamza إلكترونية looks as if it had an article
            '\mو(?=[\u0621-\u064A]{4,})', '', 'g'),
        '([\u0621-\u064A]{3,}?)(?:يات|ات|يه|ين|ون|ان|ها|هم|ه|ي)\M', '\1', 'g')
$f$;

-- A hyphen between letters joins nothing: take-back is found as "take back". The French and Italian elisions fall.
CREATE FUNCTION public.knowledge_plain(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT regexp_replace(
        regexp_replace(replace(t, '’', ''''), '\m(?:[ldjmtsnc]|qu|dell|nell|sull|all)''(?=[[:alpha:]])', '', 'gi'),
        '([[:alpha:]])[-‐‑–/]+(?=[[:alpha:]])', '\1 ', 'g')
$f$;

CREATE FUNCTION public.knowledge_vector(language text, t text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT CASE
        WHEN coalesce(t, '') = '' THEN ''::tsvector
        WHEN language IN ('zh', 'ja') THEN to_tsvector('pg_catalog.simple', public.knowledge_bigrams(t))
        WHEN language = 'ar' THEN to_tsvector('pg_catalog.simple', public.knowledge_arabic(public.knowledge_plain(t)))
        WHEN language = 'en' THEN to_tsvector('public.portal_en', public.knowledge_plain(t))
        WHEN language = 'fr' THEN to_tsvector('public.portal_fr', public.knowledge_plain(t))
        WHEN language = 'es' THEN to_tsvector('public.portal_es', public.knowledge_plain(t))
        WHEN language = 'ru' THEN to_tsvector('public.portal_ru', public.knowledge_plain(t))
        WHEN language = 'de' THEN to_tsvector('public.portal_de', public.knowledge_plain(t))
        WHEN language = 'pt' THEN to_tsvector('public.portal_pt', public.knowledge_plain(t))
        WHEN language = 'it' THEN to_tsvector('public.portal_it', public.knowledge_plain(t))
        WHEN language = 'nl' THEN to_tsvector('public.portal_nl', public.knowledge_plain(t))
        WHEN language = 'tr' THEN to_tsvector('public.portal_tr', public.knowledge_plain(t))
        WHEN language = 'sv' THEN to_tsvector('public.portal_sv', public.knowledge_plain(t))
        WHEN language = 'da' THEN to_tsvector('public.portal_da', public.knowledge_plain(t))
        WHEN language IN ('no', 'nb', 'nn') THEN to_tsvector('public.portal_no', public.knowledge_plain(t))
        WHEN language = 'fi' THEN to_tsvector('public.portal_fi', public.knowledge_plain(t))
        WHEN language = 'hu' THEN to_tsvector('public.portal_hu', public.knowledge_plain(t))
        ELSE to_tsvector('public.portal_plain', public.knowledge_plain(t))
    END
$f$;

-- Identifiers are found however they are written: L.1031, 978-92-…, UNEP/CHW.12/5 become one word "#l1031".
CREATE FUNCTION public.knowledge_identifier(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT '#' || regexp_replace(lower(t), '[^[:alnum:]]', '', 'g')
$f$;

CREATE FUNCTION public.knowledge_identifiers(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT coalesce(array_agg(DISTINCT public.knowledge_identifier(word)), '{}')
    FROM regexp_split_to_table(t, '[\s,;()]+') AS word
    WHERE word ~ '[0-9]' AND word ~ '[[:alnum:]].*[[:alnum:]]' AND length(word) <= 80
$f$;

-- True for a word that says nothing in one of the portal's languages ("the", "de", "и", "في").
CREATE FUNCTION public.knowledge_is_stop_word(word text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT CASE
        WHEN length(word) >= 2 AND word = upper(word) AND word <> lower(word) THEN false  -- WHO, IT and EU are names
        WHEN word = ANY ('{في,من,على,إلى,عن,مع,و,أو,ما,هذا,هذه,的,和,与,及,在,了,或}'::text[]) THEN true
        ELSE numnode(to_tsquery('public.portal_plain', quote_literal(word))) > 0 AND (
            numnode(to_tsquery('public.portal_en', quote_literal(word))) = 0
            OR numnode(to_tsquery('public.portal_fr', quote_literal(word))) = 0
            OR numnode(to_tsquery('public.portal_es', quote_literal(word))) = 0
            OR numnode(to_tsquery('public.portal_ru', quote_literal(word))) = 0)
    END
$f$;

-- A phrase as one language sees it; empty where its stop words would leave one word of several, which would find too much.
CREATE FUNCTION public.knowledge_phrase(config regconfig, t text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT CASE
        WHEN numnode(phraseto_tsquery('public.portal_plain', t)) > 1 AND numnode(phraseto_tsquery(config, t)) = 1 THEN ''::tsquery
        ELSE phraseto_tsquery(config, t)
    END
$f$;

-- Any of several queries; most languages leave most words alone, so DISTINCT makes it short.
CREATE AGGREGATE public.knowledge_one_of(tsquery) (SFUNC = tsquery_or, STYPE = tsquery);

-- What finds one word or phrase, in every language that the library holds. Empty for a stop word.
CREATE FUNCTION public.knowledge_query(t text, is_phrase boolean) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT CASE
        WHEN t ~ '[\u4E00-\u9FFF\u3400-\u4DBF\u3040-\u30FF]' THEN
            CASE
                WHEN NOT is_phrase AND public.knowledge_is_stop_word(t) THEN ''::tsquery
                WHEN length(t) = 1 THEN to_tsquery('pg_catalog.simple', quote_literal(t) || ':*')
                ELSE phraseto_tsquery('pg_catalog.simple', public.knowledge_bigrams(t))
            END
        WHEN NOT is_phrase AND public.knowledge_is_stop_word(t) THEN ''::tsquery
        WHEN t ~ '[\u0621-\u064A]' THEN
            phraseto_tsquery('pg_catalog.simple', public.knowledge_arabic(public.knowledge_plain(t)))
            || phraseto_tsquery('public.portal_plain', public.knowledge_plain(t))
        ELSE
            (SELECT public.knowledge_one_of(DISTINCT public.knowledge_phrase(config, public.knowledge_plain(t)))
             FROM unnest('{public.portal_plain, public.portal_en, public.portal_fr, public.portal_es, public.portal_ru, public.portal_de,
                 public.portal_pt, public.portal_it, public.portal_nl, public.portal_tr, public.portal_sv, public.portal_da,
                 public.portal_no, public.portal_fi, public.portal_hu}'::regconfig[]) config)
            || CASE WHEN t ~ '[0-9]' AND t ~ '[[:alnum:]].*[[:alnum:]]'
                    THEN quote_literal(public.knowledge_identifier(t))::tsquery ELSE ''::tsquery END
    END
$f$;

-- Several queries as one: all of them, or any.
CREATE FUNCTION public.knowledge_all(parts tsquery[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $f$
DECLARE
    part tsquery;
    whole tsquery := '';
BEGIN
    FOREACH part IN ARRAY parts LOOP
        whole := whole && part;
    END LOOP;
    RETURN whole;
END
$f$;

CREATE FUNCTION public.knowledge_any(parts tsquery[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $f$
DECLARE
    part tsquery;
    whole tsquery := '';
BEGIN
    FOREACH part IN ARRAY parts LOOP
        whole := whole || part;
    END LOOP;
    RETURN whole;
END
$f$;

-- Concepts of the thesaurus ------------------------------------------------------------------------
-- A document that says any term of a concept has one word more, "§e-waste": to look that up takes milliseconds, to look
-- for forty phrases takes seconds in a large library.

CREATE FUNCTION public.knowledge_concept(terms text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT public.knowledge_one_of(DISTINCT public.knowledge_query(term, true))::text FROM unnest(terms) term
$f$;

-- As text: a tsquery that long cannot be stored.
ALTER TABLE public.knowledge_synonym ADD COLUMN words text GENERATED ALWAYS AS
    (CASE WHEN is_active THEN public.knowledge_concept(terms) END) STORED;

-- Words as a vector with a position: without one, no weight.
CREATE FUNCTION public.knowledge_words(words text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT coalesce(string_agg(DISTINCT quote_literal(word) || ':1', ' '), '')::tsvector FROM unnest(words) word
$f$;

-- What finds a group of synonyms: its concept's word, or all its terms if the thesaurus does not have just these.
CREATE FUNCTION public.knowledge_concept_query(terms text[]) RETURNS tsquery LANGUAGE plpgsql STABLE STRICT AS $f$
DECLARE
    found tsquery;
BEGIN
    SELECT quote_literal('§' || s.concept)::tsquery INTO found FROM public.knowledge_synonym s WHERE s.is_active AND s.terms::text[] = $1 LIMIT 1;
    RETURN coalesce(found, public.knowledge_concept($1)::tsquery);
END
$f$;

-- The words to mark in a text: as a reader's language sees them, and as English does.
CREATE FUNCTION public.knowledge_marks(config regconfig, terms text[]) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $f$
    SELECT public.knowledge_one_of(DISTINCT public.knowledge_phrase(c, public.knowledge_plain(term)))
    FROM unnest(terms) term, unnest(ARRAY[config, 'public.portal_en'::regconfig]) c
$f$;

-- Titles in an order that readers expect, on a server whose own order is by code point.
CREATE FUNCTION public.knowledge_sort_key(t text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE STRICT AS $f$
    SELECT left(regexp_replace(lower(public.unaccent('public.unaccent', t)), '^[^[:alnum:]]+', ''), 200)
$f$;

-- Documents ---------------------------------------------------------------------------------------

ALTER TABLE public.knowledge_searchdocument
    ALTER COLUMN vector SET STORAGE EXTERNAL,
    ALTER COLUMN title_vector SET STORAGE EXTERNAL,
    SET (toast_tuple_target = 128),  -- short rows: a search reads a seventh of the pages
    ADD COLUMN changed xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX document_changed ON public.knowledge_searchdocument (changed);  -- what a running catalogue has not seen yet

-- Words that titles and summaries use, for "did you mean".
CREATE TABLE public.knowledge_word (word text PRIMARY KEY, plain text NOT NULL);  -- plain: without accents
CREATE INDEX knowledge_word_trigrams ON public.knowledge_word USING gin (plain public.gin_trgm_ops);

-- The entity that an entity was merged into, at any depth up to ten.
CREATE FUNCTION public.coalition_entity_root(entity bigint) RETURNS bigint LANGUAGE sql STABLE AS $f$
    WITH RECURSIVE up(id, target, depth) AS (
        SELECT id, merged_into_id, 0 FROM public.coalition_entity WHERE id = entity
        UNION ALL
        SELECT e.id, e.merged_into_id, depth + 1 FROM up JOIN public.coalition_entity e ON e.id = up.target WHERE depth < 10
    )
    SELECT id FROM up ORDER BY depth DESC LIMIT 1
$f$;

-- A region and all above it but World: what is tagged Ghana is found under Western Africa and Africa.
CREATE FUNCTION public.knowledge_region_line(region text) RETURNS SETOF text LANGUAGE sql STABLE AS $f$
    WITH RECURSIVE up(m49, parent_id) AS (
        SELECT m49, parent_id FROM public.ewaste_portal_region WHERE m49 = region
        UNION ALL
        SELECT r.m49, r.parent_id FROM up JOIN public.ewaste_portal_region r ON r.m49 = up.parent_id
    )
    SELECT m49 FROM up WHERE m49 <> '001' OR region = '001'
$f$;

CREATE FUNCTION public.knowledge_names(ar text, zh text, en text, fr text, ru text, es text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT public.knowledge_vector('ar', ar) || public.knowledge_vector('zh', zh) || public.knowledge_vector('en', en)
        || public.knowledge_vector('fr', fr) || public.knowledge_vector('ru', ru) || public.knowledge_vector('es', es)
$f$;

-- What resources are named after keeps the words of its own names: a document only puts them together.
ALTER TABLE public.ewaste_portal_term ADD COLUMN words tsvector GENERATED ALWAYS AS
    (public.knowledge_names(labels[1], labels[2], labels[3], labels[4], labels[5], labels[6])) STORED;
ALTER TABLE public.ewaste_portal_country ADD COLUMN words tsvector GENERATED ALWAYS AS
    (public.knowledge_names(name_ar, name_zh_hans, name_en, name_fr, name_ru, name_es)) STORED;
ALTER TABLE public.ewaste_portal_region ADD COLUMN words tsvector GENERATED ALWAYS AS
    (public.knowledge_names(name_ar, name_zh_hans, name_en, name_fr, name_ru, name_es)) STORED;
ALTER TABLE public.knowledge_topic ADD COLUMN words tsvector GENERATED ALWAYS AS
    (public.knowledge_names(name_ar, name_zh_hans, name_en, name_fr, name_ru, name_es)) STORED;
ALTER TABLE public.coalition_entity ADD COLUMN words tsvector GENERATED ALWAYS AS (
    public.knowledge_names(official_name_ar, official_name_zh_hans, official_name_en, official_name_fr, official_name_ru, official_name_es)
    || public.knowledge_names(short_name_ar, short_name_zh_hans, short_name_en, short_name_fr, short_name_ru, short_name_es)
    || public.knowledge_vector('', coalesce(official_name_en, '') || ' ; ' || coalesce(short_name_en, ''))) STORED;

CREATE AGGREGATE public.knowledge_concat(tsvector) (SFUNC = tsvector_concat, STYPE = tsvector, INITCOND = '');

CREATE FUNCTION public.knowledge_refresh(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    INSERT INTO public.knowledge_searchdocument AS document
        (resource_id, is_public, vector, title_vector, facets, year, newest_key, title_key, changed)
    WITH concepts AS MATERIALIZED (
        SELECT '§' || concept AS concept, words::tsquery AS query FROM public.knowledge_synonym WHERE words <> ''
    )
    SELECT
        r.id,
        r.state = 'published',
        CASE WHEN r.state = 'published' THEN
            setweight(titles.vector, 'A')
            || setweight(public.knowledge_words(numbers.found || concepts.in_title), 'A')
            || setweight(subtitles.vector || people.vector, 'B')
            || setweight(summaries.vector || public.knowledge_words(concepts.in_text), 'C')
            || setweight(names.vector, 'D')
        ELSE '' END,
        CASE WHEN r.state = 'published' THEN titles.vector || public.knowledge_words(concepts.in_title) ELSE '' END,
        CASE WHEN r.state = 'published' THEN facets.found ELSE '{}' END,
        r.year,
        -- days since 1 January 1900; a work of which only the year is known stands at its beginning, an unknown year last
        CASE WHEN r.published_on IS NOT NULL THEN r.published_on - DATE '1900-01-01'
             WHEN r.year IS NOT NULL THEN make_date(r.year, 1, 1) - DATE '1900-01-01' ELSE 0 END,
        public.knowledge_sort_key(coalesce(nullif(r.title_en, ''), r.original_title)),
        pg_current_xact_id()
    FROM public.knowledge_resource r
    CROSS JOIN LATERAL (
        SELECT public.knowledge_vector(r.original_language, r.original_title)
            || public.knowledge_vector('', r.original_title)
            || public.knowledge_names(r.title_ar, r.title_zh_hans, r.title_en, r.title_fr, r.title_ru, r.title_es)
            || coalesce((SELECT public.knowledge_concat(public.knowledge_vector(e.language, e.title) || public.knowledge_vector('', e.title))
                         FROM public.knowledge_edition e WHERE e.resource_id = r.id AND e.title <> ''), '') AS vector
        OFFSET 0  -- made once, not at each mention
    ) titles
    CROSS JOIN LATERAL (
        SELECT public.knowledge_vector(r.original_language, r.original_subtitle)
            || public.knowledge_names(r.subtitle_ar, r.subtitle_zh_hans, r.subtitle_en, r.subtitle_fr, r.subtitle_ru, r.subtitle_es) AS vector OFFSET 0
    ) subtitles
    CROSS JOIN LATERAL (
        SELECT public.knowledge_vector('', array_to_string(r.authors || r.symbols, ' ; ') || ' ; ' || r.journal)
            || coalesce((
                SELECT public.knowledge_concat(e.words)
                FROM public.knowledge_resourcepublisher p
                JOIN public.coalition_entity e ON e.id IN (p.entity_id, public.coalition_entity_root(p.entity_id))
                WHERE p.resource_id = r.id), '') AS vector OFFSET 0
    ) people
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT word) AS found FROM (
            SELECT unnest(public.knowledge_identifiers(concat_ws(' ', r.original_title, r.original_subtitle, r.title_en))) AS word
            UNION ALL SELECT public.knowledge_identifier(r.doi) WHERE r.doi <> ''
            UNION ALL SELECT public.knowledge_identifier(symbol) FROM unnest(r.symbols) symbol
            UNION ALL SELECT unnest(public.knowledge_identifiers(symbol)) FROM unnest(r.symbols) symbol
            UNION ALL SELECT public.knowledge_identifier(e.isbn) FROM public.knowledge_edition e WHERE e.resource_id = r.id AND e.isbn <> ''
            UNION ALL SELECT unnest(public.knowledge_identifiers(e.title)) FROM public.knowledge_edition e WHERE e.resource_id = r.id
        ) w
    ) numbers
    CROSS JOIN LATERAL (
        SELECT coalesce(public.knowledge_concat(vector), '') AS vector FROM (
            SELECT t.words AS vector FROM public.ewaste_portal_term t
                WHERE (t.vocabulary = 'resource_type' AND t.code = r.resource_type)
                   OR (t.vocabulary = 'ewaste_category' AND t.code = ANY (r.categories))
                   OR (t.vocabulary = 'sdg_target' AND t.code = ANY (r.sdg_targets))
            UNION ALL SELECT t.words
                FROM public.knowledge_resource_topics rt JOIN public.knowledge_topic t ON t.id = rt.topic_id WHERE rt.resource_id = r.id
            UNION ALL SELECT c.words
                FROM public.knowledge_resource_countries rc JOIN public.ewaste_portal_country c ON c.iso3 = rc.country_id WHERE rc.resource_id = r.id
            UNION ALL SELECT g.words FROM public.ewaste_portal_region g WHERE g.m49 IN (
                SELECT rg.region_id FROM public.knowledge_resource_regions rg WHERE rg.resource_id = r.id
                UNION SELECT line
                FROM public.knowledge_resource_countries rc JOIN public.ewaste_portal_country c ON c.iso3 = rc.country_id,
                     public.knowledge_region_line(c.region_id) line
                WHERE rc.resource_id = r.id)
        ) v
    ) names
    CROSS JOIN LATERAL (
        SELECT public.knowledge_names(r.summary_ar, r.summary_zh_hans, r.summary_en, r.summary_fr, r.summary_ru, r.summary_es) AS vector OFFSET 0
    ) summaries
    CROSS JOIN LATERAL (SELECT subtitles.vector || people.vector || summaries.vector || names.vector AS vector OFFSET 0) rest
    CROSS JOIN LATERAL (
        SELECT array_agg(concept) FILTER (WHERE in_title) AS in_title, array_agg(concept) FILTER (WHERE NOT in_title) AS in_text
        FROM concepts, LATERAL (SELECT titles.vector @@ query AS in_title OFFSET 0) title
        WHERE in_title OR rest.vector @@ query
    ) concepts
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT facet), '{}') AS found FROM (
            SELECT 'type:' || r.resource_type AS facet
            UNION ALL SELECT 'category:' || code FROM unnest(r.categories) code
            UNION ALL SELECT 'target:' || code FROM unnest(r.sdg_targets) code
            UNION ALL SELECT 'topic:' || t.slug
                FROM public.knowledge_resource_topics rt JOIN public.knowledge_topic t ON t.id = rt.topic_id WHERE rt.resource_id = r.id
            UNION ALL SELECT 'publisher:' || e.slug
                FROM public.knowledge_resourcepublisher p JOIN public.coalition_entity e ON e.id = public.coalition_entity_root(p.entity_id)
                WHERE p.resource_id = r.id
            UNION ALL SELECT 'language:' || e.language FROM public.knowledge_edition e WHERE e.resource_id = r.id
            UNION ALL SELECT 'place:' || rc.country_id FROM public.knowledge_resource_countries rc WHERE rc.resource_id = r.id
            UNION ALL SELECT 'place:' || line
                FROM public.knowledge_resource_countries rc JOIN public.ewaste_portal_country c ON c.iso3 = rc.country_id,
                     public.knowledge_region_line(c.region_id) line
                WHERE rc.resource_id = r.id
            UNION ALL SELECT 'place:' || line
                FROM public.knowledge_resource_regions rg, public.knowledge_region_line(rg.region_id) line WHERE rg.resource_id = r.id
        ) f
    ) facets
    WHERE r.id = ANY (ids)
    ON CONFLICT (resource_id) DO UPDATE SET
        is_public = EXCLUDED.is_public, vector = EXCLUDED.vector, title_vector = EXCLUDED.title_vector, facets = EXCLUDED.facets,
        year = EXCLUDED.year, newest_key = EXCLUDED.newest_key, title_key = EXCLUDED.title_key, changed = EXCLUDED.changed
    -- a draft is written each time it is edited: nothing to do while it stays hidden
    WHERE document.is_public OR EXCLUDED.is_public;

    INSERT INTO public.knowledge_word (word, plain)
    SELECT DISTINCT word, public.unaccent('public.unaccent', word)
    FROM public.knowledge_resource r,
         regexp_split_to_table(lower(public.knowledge_plain(concat_ws(' ', r.original_title, r.title_en, r.title_fr, r.title_es, r.title_ru,
             r.summary_en, r.summary_fr, r.summary_es, r.summary_ru))), '[^[:alpha:]]+') word
    WHERE r.id = ANY (ids) AND r.state = 'published' AND length(word) BETWEEN 4 AND 40
    ON CONFLICT DO NOTHING;
END
$f$;

-- Triggers --------------------------------------------------------------------------------------------

CREATE FUNCTION public.knowledge_refresh_resource() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE public.knowledge_searchdocument
        SET is_public = false, vector = '', title_vector = '', facets = '{}', changed = pg_current_xact_id()
        WHERE resource_id = OLD.id;
    ELSIF TG_OP = 'INSERT' OR OLD.state = 'published' OR NEW.state = 'published' THEN
        PERFORM public.knowledge_refresh(ARRAY[NEW.id]);
    END IF;
    RETURN NULL;
END
$f$;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_resource
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_resource();

-- For rows that belong to a resource: editions, publishers, topics, countries, regions.
CREATE FUNCTION public.knowledge_refresh_owner() RETURNS trigger LANGUAGE plpgsql AS $f$
DECLARE
    owners bigint[];
BEGIN
    owners := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.resource_id] WHEN 'DELETE' THEN ARRAY[OLD.resource_id]
                         ELSE ARRAY[OLD.resource_id, NEW.resource_id] END;
    SELECT array_agg(id) INTO owners FROM public.knowledge_resource WHERE id = ANY (owners) AND state = 'published';
    IF owners IS NOT NULL THEN
        PERFORM public.knowledge_refresh(owners);
    END IF;
    RETURN NULL;
END
$f$;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_edition
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_owner();
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_resourcepublisher
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_owner();
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_resource_topics
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_owner();
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_resource_countries
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_owner();
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_resource_regions
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_owner();

-- For what resources are named after: a new name is at once what they are found by.
CREATE FUNCTION public.knowledge_refresh_named() RETURNS trigger LANGUAGE plpgsql AS $f$
DECLARE
    named bigint[];
BEGIN
    IF to_jsonb(OLD) - 'modified_at' = to_jsonb(NEW) - 'modified_at' THEN
        RETURN NULL;
    END IF;
    CASE TG_TABLE_NAME
        WHEN 'coalition_entity' THEN
            SELECT array_agg(DISTINCT p.resource_id) INTO named FROM public.knowledge_resourcepublisher p
            WHERE public.coalition_entity_root(p.entity_id) IN (NEW.id, public.coalition_entity_root(NEW.id)) OR p.entity_id = NEW.id;
        WHEN 'knowledge_topic' THEN
            SELECT array_agg(resource_id) INTO named FROM public.knowledge_resource_topics WHERE topic_id = NEW.id;
        WHEN 'ewaste_portal_country' THEN
            SELECT array_agg(resource_id) INTO named FROM public.knowledge_resource_countries WHERE country_id = NEW.iso3;
        WHEN 'ewaste_portal_region' THEN  -- and what lies in it: its name, and its place in the tree, are theirs too
            WITH RECURSIVE down(m49) AS (
                SELECT NEW.m49 UNION SELECT r.m49 FROM down JOIN public.ewaste_portal_region r ON r.parent_id = down.m49)
            SELECT array_agg(DISTINCT resource_id) INTO named FROM (
                SELECT rg.resource_id FROM public.knowledge_resource_regions rg JOIN down ON down.m49 = rg.region_id
                UNION ALL
                SELECT rc.resource_id FROM public.knowledge_resource_countries rc
                JOIN public.ewaste_portal_country c ON c.iso3 = rc.country_id JOIN down ON down.m49 = c.region_id) r;
        WHEN 'ewaste_portal_term' THEN
            SELECT array_agg(id) INTO named FROM public.knowledge_resource
            WHERE (NEW.vocabulary = 'resource_type' AND resource_type = NEW.code)
               OR (NEW.vocabulary = 'ewaste_category' AND NEW.code = ANY (categories))
               OR (NEW.vocabulary = 'sdg_target' AND NEW.code = ANY (sdg_targets));
    END CASE;
    IF named IS NOT NULL THEN
        PERFORM public.knowledge_refresh(named);
    END IF;
    RETURN NULL;
END
$f$;
CREATE TRIGGER search_document AFTER UPDATE ON public.coalition_entity
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_named();
CREATE TRIGGER search_document AFTER UPDATE ON public.knowledge_topic
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_named();
CREATE TRIGGER search_document AFTER UPDATE ON public.ewaste_portal_country
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_named();
CREATE TRIGGER search_document AFTER UPDATE ON public.ewaste_portal_region
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_named();
CREATE TRIGGER search_document AFTER UPDATE ON public.ewaste_portal_term
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_named();

-- A concept's new terms are at once what its documents are found by.
CREATE FUNCTION public.knowledge_refresh_concept() RETURNS trigger LANGUAGE plpgsql AS $f$
DECLARE
    named bigint[];
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.concept, OLD.words) IS NOT DISTINCT FROM (NEW.concept, NEW.words) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(resource_id) INTO named FROM public.knowledge_searchdocument
    WHERE is_public AND vector @@ (
        CASE WHEN TG_OP = 'INSERT' THEN '' ELSE quote_literal('§' || OLD.concept) END::tsquery
        || CASE WHEN TG_OP = 'DELETE' THEN '' ELSE coalesce(NEW.words, '') END::tsquery);
    IF named IS NOT NULL THEN
        PERFORM public.knowledge_refresh(named);
    END IF;
    RETURN NULL;
END
$f$;
CREATE TRIGGER search_document AFTER INSERT OR UPDATE OR DELETE ON public.knowledge_synonym
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_refresh_concept();
