"""The inference service: claims jobs, decodes, batches and predicts their images, and writes the decisions."""
