"""Faces in pictures: where they are, and each as the classifiers know faces."""
