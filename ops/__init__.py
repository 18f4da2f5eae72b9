"""The operator's room: `melanoma-ops` looks at the service, acts on it and says what to mend."""
