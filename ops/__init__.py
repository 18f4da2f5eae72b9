"""The operator's command `melanoma-ops`: shows the service's state, checks its setup and controls it."""
