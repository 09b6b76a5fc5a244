"""Needs a package that nobody has."""

import package_that_nobody_has

PACKAGE = package_that_nobody_has
