"""Placing calls from outside, access to LiveKit, rooms, and arbitration between hosts."""
