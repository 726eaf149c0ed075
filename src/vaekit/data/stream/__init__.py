"""Data larger than memory: examples stay in their files and are read, shuffled, a window at a time."""
