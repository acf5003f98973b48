"""Migrations up, down and up again, on the database at hand."""
