"""Carriers that deliver access lines."""
