-- What the scripts of migrations share; it runs before each of them. The functions end with the connection.

-- Turn a table into a hypertable where TimescaleDB is installed; leave it plain otherwise. Re-runnable.
CREATE OR REPLACE FUNCTION pg_temp.make_hypertable(name text, chunk interval) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE pg_available_extensions.name = 'timescaledb') THEN
        RETURN;
    END IF;
    BEGIN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role % may not create the extension: let a superuser run CREATE EXTENSION timescaledb in database %',
            current_user, current_database();
    END;
    PERFORM create_hypertable(
        name::regclass, 'time', chunk_time_interval => chunk,
        create_default_indexes => FALSE, if_not_exists => TRUE, migrate_data => TRUE
    );
END
$function$;

-- Turn a hypertable back into a plain table: copy, drop, rename, with the constraints and indexes of before. Re-runnable.
CREATE OR REPLACE FUNCTION pg_temp.make_plain(name text) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    definitions text[];
    definition text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM timescaledb_information.hypertables
        WHERE hypertable_schema = current_schema() AND hypertable_name = name
    ) THEN
        RETURN;
    END IF;
    SELECT array_agg(line) INTO definitions FROM (
        SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(oid)) AS line
        FROM pg_constraint WHERE conrelid = name::regclass AND contype IN ('p', 'u', 'c')
        UNION ALL
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = name::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ) AS lines;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', name || '_plain', name);
    EXECUTE format('INSERT INTO %I SELECT * FROM %I', name || '_plain', name);
    EXECUTE format('DROP TABLE %I', name);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', name || '_plain', name);
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
END
$function$;
