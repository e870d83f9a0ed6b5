"""Catalogue.

Owns what is sold and what it is made of: specifications, offerings, prices, rules.
This app never knows a customer.
Start reading at models/, then composition.py and pricing.py.
"""
