"""Training objectives, one a file; found by folder."""
