"""Fitting of the small models that FaceSocial ships itself; never part of a request."""
