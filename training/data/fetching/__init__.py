"""Downloads the published data sets and unpacks them into the layout that `training.data.sources` reads."""
