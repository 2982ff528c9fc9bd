"""What crosses rooms as a file: one definition, one reader and one writer each."""
