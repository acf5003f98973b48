-- Turn the time series into hypertables where TimescaleDB is installed; leave plain tables otherwise. Re-runnable.
DO $migration$
DECLARE
    name text;
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
    FOREACH name IN ARRAY ARRAY['bar', 'chain_metric'] LOOP
        PERFORM create_hypertable(
            name::regclass, 'time', chunk_time_interval => INTERVAL '1 day',
            create_default_indexes => FALSE, if_not_exists => TRUE, migrate_data => TRUE
        );
    END LOOP;
END
$migration$;
