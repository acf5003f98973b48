"""The REST side of strategies."""
