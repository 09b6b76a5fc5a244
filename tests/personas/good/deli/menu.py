"""What the deli sells."""

SPECIAL = "pastrami"
