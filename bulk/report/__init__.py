"""Reports the results of a run: summary on the terminal, HTML page."""
