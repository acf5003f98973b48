SELECT pg_temp.make_plain('bar_rollup');
