SELECT pg_temp.make_plain('account_snapshot');
