"""What any business system needs: people, lifecycles, audit, outbox, approvals, decisions, money, time, documents.

Owns the machinery that every app above stands on. Never knows a telecom noun and imports no app.
Start reading at `lifecycle.py` (how a record changes state), then `outbox.py` (how others hear of it).
"""
