"""The only importer of Ray, and only once a cluster is asked for."""
