"""How good synthetic faces are, judged against CK+. Knows neither GANs nor classifiers: an edit retrains nothing."""
