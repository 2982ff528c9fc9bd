"""Faces: what they are called, how they are stored, where they come from, what is wrong with them."""
