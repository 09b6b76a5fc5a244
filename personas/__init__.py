"""The personas of this deployment, one file each."""
