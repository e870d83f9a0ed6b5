"""The engine.

Owns plan definitions, flows, tasks, adapters to the network, projects.
This app never knows what an order or a quote is.
Start reading at models/, then planning.py and execution.py.
"""
