"""Forms of agreements, quotes and signing, one file per family of screens."""
