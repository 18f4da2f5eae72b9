"""Fetches the data sets from where they are published, and lays them out as the sources read them."""
