"""From ticks on the stream to committed bars and published chains; see docs/architecture.md, "life of a tick"."""
