"""Makes the runs that a comparison rests on: pairs of whole runs, the two sides interleaved (docs/comparing.md)."""
