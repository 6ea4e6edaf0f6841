"""Measuring a restorer, beside doing nothing and a classical method."""
