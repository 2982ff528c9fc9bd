"""A study of one's own: its folder, laid out by what ferlab ships."""
