"""The images of the data sets: fetching, records, labels, splits and duplicates."""
