-- Whether a table of this schema is a hypertable; asked only where TimescaleDB is.
SELECT EXISTS (
    SELECT FROM timescaledb_information.hypertables
    WHERE hypertable_schema = current_schema() AND hypertable_name = %(table)s
)
