"""The `facesocial` command."""
