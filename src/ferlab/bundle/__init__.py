"""A run on a node without network: one archive there, one of results back."""
