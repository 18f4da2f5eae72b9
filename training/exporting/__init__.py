"""Makes the artefact that the worker serves from a finished training run."""
