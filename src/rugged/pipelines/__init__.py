"""Whole jobs made of the other layers."""
