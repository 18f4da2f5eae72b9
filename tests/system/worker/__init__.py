"""Workers and the folder command on real processes."""
