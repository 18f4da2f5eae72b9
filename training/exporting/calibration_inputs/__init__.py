"""PredictionBatch of fitted models that calibration and reported metrics are computed from."""
