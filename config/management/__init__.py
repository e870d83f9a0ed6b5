"""Commands that put the product together."""
