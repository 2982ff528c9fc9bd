"""Evidence: everything here starts from prediction files and needs neither torch nor the data."""
