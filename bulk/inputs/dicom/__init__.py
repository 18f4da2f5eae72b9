"""Takes the picture out of a DICOM file, in a child process."""
