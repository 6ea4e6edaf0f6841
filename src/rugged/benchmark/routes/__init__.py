"""Where the images of a measurement come from: corrupted in memory, or read from files."""
