"""Pure maths of strategies: legs, mark to market, settlement, payoff, templates, statistics, alerts."""
