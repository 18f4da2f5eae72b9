"""What all packages use: settings, contract, ledger, image store, image processing, model artefact."""
