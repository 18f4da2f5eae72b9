"""From logits to probabilities, bands, receipts, kinds of pictures and populations."""
