"""One scalar of a posterior: its label, its moments and its marginal density."""
