"""Orders.

Owns capture, approval, enrichment, decomposition, progress and closure of orders.
This app never talks to the network itself.
Start reading at models/, then submission.py and decomposition.py.
"""
