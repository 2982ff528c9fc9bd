"""Which code runs: the imported package, its hashes, its import closures, and the commit that it stands at."""
