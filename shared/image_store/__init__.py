"""The image store: bytes of images in Redis, by job id, within a byte budget."""
