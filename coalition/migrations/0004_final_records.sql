-- Records that nothing changes: the journal's chain, and signatures once they are made.

-- Journal ------------------------------------------------------------------------------------------
-- One writer at a time takes the lock first and its number after, so that order by number is the order of the chain.

CREATE FUNCTION public.coalition_journal_append() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('coalition_journal'));
    NEW.id := nextval(pg_get_serial_sequence('public.coalition_journalentry', 'id'));
    NEW.at := clock_timestamp();
    NEW.prev := coalesce((SELECT hash FROM public.coalition_journalentry ORDER BY id DESC LIMIT 1), repeat('0', 64));
    NEW.hash := public.coalition_text_sha256(NEW.prev || E'\n' || NEW.payload);
    RETURN NEW;
END
$f$;
CREATE TRIGGER journal_append BEFORE INSERT ON public.coalition_journalentry
    FOR EACH ROW EXECUTE FUNCTION public.coalition_journal_append();

CREATE FUNCTION public.coalition_is_final() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    RAISE EXCEPTION '% on % is refused: these records are final.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$f$;
CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE ON public.coalition_journalentry
    FOR EACH ROW EXECUTE FUNCTION public.coalition_is_final();
CREATE TRIGGER journal_is_not_emptied BEFORE TRUNCATE ON public.coalition_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION public.coalition_is_final();

-- Signatures ------------------------------------------------------------------------------------------
-- Countersignature, certificate and seal are written once, later; private evidence can be erased, never altered.

CREATE FUNCTION public.coalition_signature_is_final() RETURNS trigger LANGUAGE plpgsql AS $f$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
    later text[] := ARRAY['countersigned_at', 'countersigned_by_id', 'certificate', 'certificate_sha256', 'sealed_at', 'seal_certificate_sha256'];
    name text;
BEGIN
    IF before - later - 'private' <> after - later - 'private' THEN
        RAISE EXCEPTION 'A signature cannot change.' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.private <> OLD.private AND NEW.private <> '' THEN
        RAISE EXCEPTION 'Private evidence can be erased, not changed.' USING ERRCODE = 'check_violation';
    END IF;
    FOREACH name IN ARRAY later LOOP
        IF coalesce(before ->> name, '') <> '' AND (before -> name) IS DISTINCT FROM (after -> name) THEN
            RAISE EXCEPTION '% of a signature is written once.', name USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END
$f$;
CREATE TRIGGER signature_is_final BEFORE UPDATE ON public.coalition_signature
    FOR EACH ROW EXECUTE FUNCTION public.coalition_signature_is_final();
CREATE TRIGGER signature_stays BEFORE DELETE ON public.coalition_signature
    FOR EACH ROW EXECUTE FUNCTION public.coalition_is_final();
CREATE TRIGGER signatures_are_not_emptied BEFORE TRUNCATE ON public.coalition_signature
    FOR EACH STATEMENT EXECUTE FUNCTION public.coalition_is_final();

CREATE TRIGGER progress_note_is_final BEFORE UPDATE ON public.coalition_pledgeupdate
    FOR EACH ROW EXECUTE FUNCTION public.coalition_is_final();
