"""The results files: JSON Lines and CSV."""
