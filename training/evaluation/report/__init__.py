"""What was found, for people: the page and the model card."""
