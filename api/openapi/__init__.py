"""The OpenAPI document, made from the routes and what they declare."""
