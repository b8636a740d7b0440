"""The page that starts a run from a form: a scenario's own settings as fields, held to the rules of the command line."""
