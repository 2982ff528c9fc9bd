"""Synthetic faces: drawn from trained generators, and mixed into training sets."""
