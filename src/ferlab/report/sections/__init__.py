"""The page, a file a section: what it says, and what it draws."""
