-- Turn hypertables back into plain tables: copy, drop, rename, with the constraints and indexes of before. Re-runnable.
DO $migration$
DECLARE
    name text;
    definitions text[];
    definition text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;
    FOREACH name IN ARRAY ARRAY['bar', 'chain_metric'] LOOP
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM timescaledb_information.hypertables
            WHERE hypertable_schema = current_schema() AND hypertable_name = name
        );
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
    END LOOP;
END
$migration$;
