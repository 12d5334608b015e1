"""Hypothesis families about neural architectures."""
