"""Choosing: response curves, budget allocation."""
