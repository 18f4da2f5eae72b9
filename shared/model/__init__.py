"""The model artefact: its manifest, its files, and the rules that turn scores into bands."""
