-- The names of a hypertable's chunks that end before an instant.
SELECT show_chunks(%(table)s::regclass, older_than => %(before)s::timestamptz)
