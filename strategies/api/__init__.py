"""REST: thin viewsets that validate, call one selector or service, render."""
