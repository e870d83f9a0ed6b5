"""Screens of agreements, quotes, signing and contracts."""
