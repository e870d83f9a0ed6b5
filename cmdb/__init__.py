"""Inventory.

Owns product, service and resource instances, their relations, and feasibility at a place.
This app never decides what a customer gets.
Start reading at models/, then activation.py and feasibility.py.
"""
