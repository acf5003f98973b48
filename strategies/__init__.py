"""Strategies of several legs, marked to market."""
