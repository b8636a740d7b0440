"""The AWS target: deployed, checked, measured and taken down."""
