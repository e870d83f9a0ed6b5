"""The billing system."""
