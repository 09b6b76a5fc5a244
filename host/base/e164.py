"""Telephone numbers as they are written everywhere inside: in E.164."""

import re

PATTERN = r"\+[1-9][0-9]{6,14}"
"""A plus, a country code that has no leading zero, 15 digits at most."""
E164 = re.compile(PATTERN, re.ASCII)
