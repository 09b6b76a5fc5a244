"""A package that fails in one of its modules."""

from .deep import DEPTH

__all__ = ["DEPTH"]
