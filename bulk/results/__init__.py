"""Result rows, the files that hold them, and their counts."""
