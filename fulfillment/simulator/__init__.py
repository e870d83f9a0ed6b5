"""The other side: a simulated provider network with state, latency and faults of its own, in a process of its own.

Start reading at app.py. It shares nothing with the product but the secret that signs callbacks.
"""
