"""Images, models and out-of-fold predictions that calibration and the reported metrics are computed from."""
