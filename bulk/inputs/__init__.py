"""The files of a folder: which are images, and their bytes."""
