"""Devices and services on them: ports, overlays, firewalls, trunks."""
