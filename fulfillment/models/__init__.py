"""Tables of the engine."""
