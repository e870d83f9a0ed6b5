"""Number porting between providers."""
