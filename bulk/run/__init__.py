"""One run of one folder: its output directory, journal, statistics and progress."""
