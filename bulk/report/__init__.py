"""The summary on the terminal and the HTML report."""
