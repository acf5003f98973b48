SELECT pg_temp.make_plain('bar');
SELECT pg_temp.make_plain('chain_metric');
