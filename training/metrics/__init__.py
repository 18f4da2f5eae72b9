"""Figures of merit with their intervals: from scores and outcomes, whatever they were measured on."""
