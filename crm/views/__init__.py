"""Screens of customers and the pipeline, one file per screen."""
