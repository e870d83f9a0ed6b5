"""Fallout.

Owns what went wrong with a task, who mends it and how.
This app never changes an order behind its back.
Start reading at models/, then detection.py and resolution.py.
"""
