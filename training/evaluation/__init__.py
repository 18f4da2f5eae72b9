"""Evaluates an artefact on images that it was not trained on, and writes the report and the model card."""
