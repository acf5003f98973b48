"""REST: thin viewsets that validate, ask one selector, render."""
