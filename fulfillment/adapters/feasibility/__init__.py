"""Partners who say whether their network reaches a site."""
