-- Drop the chunks of a hypertable that end before an instant; their names.
SELECT drop_chunks(%(table)s::regclass, older_than => %(before)s::timestamptz)
