"""Portal.

Owns the customer's face: catalogue and basket, tracking, signing, documents.
This app never holds a rule of its own.
Start reading at urls.py, then views/.
"""
