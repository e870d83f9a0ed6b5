"""Words in other languages: what is to be translated, its catalogues, and whether they are complete."""
