"""The checks, by what they look at. Their order is that of `host.cli.doctor.catalogue`."""
