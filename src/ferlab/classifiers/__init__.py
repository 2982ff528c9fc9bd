"""Classifiers: whatever satisfies one protocol is trained, tracked, tuned, evaluated and reported alike."""
