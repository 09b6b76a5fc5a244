"""The bundled plugins, one file or folder per capability."""
