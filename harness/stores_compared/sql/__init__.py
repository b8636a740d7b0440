"""The SQL arms: both engines, each with the flights normalised and in one flat table."""
