"""Which pictures show the same: bytes, pixels, or a copy that was scaled, encoded, turned or mirrored."""
