"""Placing calls from outside, LiveKit's rooms, and which of several hosts has a call."""
