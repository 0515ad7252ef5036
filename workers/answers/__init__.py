"""The answers of photos as users see them: JSON shapes, documented field by field."""
