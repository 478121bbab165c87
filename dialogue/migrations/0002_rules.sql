-- Rules of dialogues that look beyond one row.

-- Sessions lie within their dialogue --------------------------------------------------------------------
-- Checked at once, or at the end of a transaction that moves both: SET CONSTRAINTS ALL DEFERRED.

CREATE FUNCTION public.dialogue_sessions_lie_within() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF EXISTS (
        SELECT FROM public.dialogue_session s JOIN public.dialogue_dialogue d ON d.id = s.dialogue_id
        WHERE s.starts_at IS NOT NULL AND s.state <> 'cancelled' AND (s.starts_at < d.starts_at OR s.ends_at > d.ends_at)
          AND CASE WHEN TG_TABLE_NAME = 'dialogue_session' THEN s.id = NEW.id ELSE d.id = NEW.id END
    ) THEN
        RAISE EXCEPTION 'A session must lie within its dialogue.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_lies_within_its_dialogue';
    END IF;
    RETURN NULL;
END
$f$;
CREATE CONSTRAINT TRIGGER session_lies_within AFTER INSERT OR UPDATE OF starts_at, ends_at, dialogue_id, state
    ON public.dialogue_session DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_sessions_lie_within();
CREATE CONSTRAINT TRIGGER sessions_stay_within AFTER UPDATE OF starts_at, ends_at
    ON public.dialogue_dialogue DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_sessions_lie_within();

-- The session of a part, paper or question is one of the same dialogue --------------------------------------

CREATE FUNCTION public.dialogue_session_is_its_own() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF NEW.session_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.dialogue_session WHERE id = NEW.session_id AND dialogue_id = NEW.dialogue_id
    ) THEN
        RAISE EXCEPTION 'The session belongs to another dialogue.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER session_is_its_own BEFORE INSERT OR UPDATE ON public.dialogue_participation
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_session_is_its_own();
CREATE TRIGGER session_is_its_own BEFORE INSERT OR UPDATE ON public.dialogue_question
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_session_is_its_own();
CREATE TRIGGER session_is_its_own BEFORE INSERT OR UPDATE ON public.dialogue_document
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_session_is_its_own();
CREATE TRIGGER session_is_its_own BEFORE INSERT OR UPDATE ON public.dialogue_statement
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_session_is_its_own();

CREATE FUNCTION public.dialogue_merges_within() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF NEW.merged_into_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.dialogue_question
        WHERE id = NEW.merged_into_id AND dialogue_id = NEW.dialogue_id AND merged_into_id IS NULL
    ) THEN
        RAISE EXCEPTION 'A question is merged into one of the same dialogue that is not merged itself.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER merges_within BEFORE INSERT OR UPDATE OF merged_into_id ON public.dialogue_question
    FOR EACH ROW EXECUTE FUNCTION public.dialogue_merges_within();

-- The capacity in which somebody took part ---------------------------------------------------------------------

CREATE FUNCTION public.dialogue_capacity_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF (NEW.dialogue_id, NEW.session_id, NEW.person_id, NEW.entity_id, NEW.role, NEW.title_then, NEW.entity_then, NEW.on_behalf_of)
        IS DISTINCT FROM
       (OLD.dialogue_id, OLD.session_id, OLD.person_id, OLD.entity_id, OLD.role, OLD.title_then, OLD.entity_then, OLD.on_behalf_of)
    THEN
        RAISE EXCEPTION 'Who took part, and as what, is fixed at publication.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER capacity_is_fixed BEFORE UPDATE ON public.dialogue_participation
    FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL) EXECUTE FUNCTION public.dialogue_capacity_is_fixed();

-- SEQUENCE of RFC 5545: rises with time, place and status, by whatever path they change ----------------------------

CREATE FUNCTION public.dialogue_raise_sequence() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF (NEW.starts_at, NEW.ends_at, NEW.time_zone, NEW.precision, NEW.status, NEW.mode, NEW.place_en, NEW.venue_en, NEW.room_en)
        IS DISTINCT FROM
       (OLD.starts_at, OLD.ends_at, OLD.time_zone, OLD.precision, OLD.status, OLD.mode, OLD.place_en, OLD.venue_en, OLD.room_en)
    THEN
        NEW.sequence := OLD.sequence + 1;
        NEW.modified_at := clock_timestamp();
    END IF;
    IF NEW.starts_at <> OLD.starts_at THEN
        NEW.previous_starts_at := OLD.starts_at;
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER raise_sequence BEFORE UPDATE ON public.dialogue_dialogue
    FOR EACH ROW WHEN (OLD.status <> 'draft') EXECUTE FUNCTION public.dialogue_raise_sequence();

CREATE FUNCTION public.dialogue_raise_session_sequence() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    IF (NEW.starts_at, NEW.ends_at, NEW.state, NEW.room) IS DISTINCT FROM (OLD.starts_at, OLD.ends_at, OLD.state, OLD.room) THEN
        NEW.sequence := OLD.sequence + 1;
        NEW.modified_at := clock_timestamp();
    END IF;
    IF NEW.slug <> OLD.slug THEN
        RAISE EXCEPTION 'The address of a published session stays.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER raise_sequence BEFORE UPDATE ON public.dialogue_session
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION public.dialogue_raise_session_sequence();

-- Places: never more than there are, however many register at once ---------------------------------------------------

CREATE FUNCTION public.dialogue_has_a_place() RETURNS trigger LANGUAGE plpgsql AS $f$
DECLARE
    places integer;
    taken integer;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state IN ('confirmed', 'attended') AND OLD.mode = NEW.mode AND OLD.dialogue_id = NEW.dialogue_id THEN
        RETURN NEW;  -- the place is held already
    END IF;
    SELECT CASE NEW.mode WHEN 'on-site' THEN capacity_on_site ELSE capacity_online END INTO places
    FROM public.dialogue_dialogue WHERE id = NEW.dialogue_id FOR NO KEY UPDATE;
    IF places IS NOT NULL THEN
        SELECT count(*) INTO taken FROM public.dialogue_attendance
        WHERE dialogue_id = NEW.dialogue_id AND mode = NEW.mode AND state IN ('confirmed', 'attended') AND id <> NEW.id;
        IF taken >= places THEN
            RAISE EXCEPTION 'All places are taken.' USING ERRCODE = 'check_violation', CONSTRAINT = 'attendance_has_a_place';
        END IF;
    END IF;
    RETURN NEW;
END
$f$;
CREATE TRIGGER attendance_has_a_place BEFORE INSERT OR UPDATE OF state, mode, dialogue_id ON public.dialogue_attendance
    FOR EACH ROW WHEN (NEW.state = 'confirmed') EXECUTE FUNCTION public.dialogue_has_a_place();

-- Addresses of the past -------------------------------------------------------------------------------------------------

CREATE TRIGGER past_slug AFTER UPDATE OF slug ON public.dialogue_dialogue
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION public.portal_remember_slug('dialogue');
CREATE TRIGGER past_slug AFTER UPDATE OF slug ON public.dialogue_person
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION public.portal_remember_slug('person');
