"""The pipeline of one loaded model: decode slots, dynamic batches and the predict thread."""
