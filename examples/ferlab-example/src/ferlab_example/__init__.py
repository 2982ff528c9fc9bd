"""One part of each kind that ferlab takes from other packages."""
