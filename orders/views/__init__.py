"""Screens of orders, one file per screen."""
