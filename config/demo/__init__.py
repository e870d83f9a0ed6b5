"""The demo provider: its catalogue, its people, one customer's deal from the first call to live services.

Owns example data and a script of acts; never a rule. Start reading at `journey.py`.
"""
