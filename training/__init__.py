"""Makes the artefact that the worker serves: data, fine-tuning, calibration, evaluation, export."""
