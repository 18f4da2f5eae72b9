"""Which pictures there are, what they show, and who learns from which."""
