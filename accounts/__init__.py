"""Who is it, what may they: users and tokens; later tickets, API keys, trading accounts, orders, positions."""
