"""Who is it, what may they: users, tokens, tickets, API keys; trading accounts, their orders and positions."""
