"""Samples: what a row holds, how rows are packed, and the files they go to."""
