"""Tables of fallout."""
