"""Customers.

Owns leads, opportunities, accounts, contacts and sites.
This app never prices or promises anything.
Start reading at models/, then conversion.py.
"""
