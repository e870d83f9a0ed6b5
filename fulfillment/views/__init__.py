"""Screens of the engine: tasks, projects, plans, and the door for callbacks."""
