"""The workers that are compared, each written as its own documentation shows."""
