"""`campaign`: many calls of one persona, from a file."""
