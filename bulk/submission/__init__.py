"""Submits images to the service and collects their decisions."""
