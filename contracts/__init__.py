"""Commercial promises.

Owns quotes, agreements, contracts, entitlements and billing starts.
This app never fulfils anything.
Start reading at models/, then quoting.py and signature.py.
"""
