"""Who gets in, who does not, and what nobody is told."""
