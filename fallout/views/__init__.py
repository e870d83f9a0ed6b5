"""Screens of fallout."""
