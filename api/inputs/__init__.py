"""What analyses are sent: files by form, base64 or URL, and their options."""
