"""The forms in which the model is exported: the frozen graph, StableHLO, and known answers that check both."""
