"""Renderers: HTML and Markdown from the same sections."""
