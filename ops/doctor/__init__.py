"""The checks of `melanoma-ops doctor`."""
