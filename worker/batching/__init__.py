"""Decode slots, dynamic batches and the predict thread of one loaded model."""
