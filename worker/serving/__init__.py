"""The loaded model: loading, hot swap, and decisions from its predictions."""
