"""Faces inside ferlab: what they are called, how they are stored, parted and compared. All numbers hang on it."""
