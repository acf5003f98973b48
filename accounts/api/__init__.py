"""The REST side of accounts."""
