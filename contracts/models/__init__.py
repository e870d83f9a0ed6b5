"""Tables of commercial promises."""
