"""Shared by all packages: settings, contract, ledger, image store, image processing, model artefact."""
