"""Pure rules of a stream: what a delta is, what a slow reader gets, how often a client may speak."""
