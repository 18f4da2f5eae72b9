"""Input format: a file that is one image."""

from pathlib import Path

from bulk.inputs.file_reader import read_file


class ImageFile:
    """A file that is one image, by its extension.

    Files without an extension are included, and so are encodings that the service cannot decode: the refusal tells the
    user the reason. DICOM is recognised by its bytes: hospitals export such files without an extension.
    """

    extensions = frozenset(
        {
            *("", "."),
            *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".avif"),
            *(".bmp", ".dib", ".tif", ".tiff", ".gif", ".svg", ".psd", ".ico", ".jp2", ".jxl"),
            *(".dcm", ".dicom"),
            *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw"),
        }
    )

    def list_images(self, path: Path) -> tuple[str]:  # noqa: ARG002 - a file is not opened to know that it is one image
        """Name the file itself."""
        return ("",)

    def read_image(self, path: Path, image: str) -> bytes:
        """Read the file."""
        return read_file(path / image)
