"""Application Auto Scaling, as the twin's port answers it."""
