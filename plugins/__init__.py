"""The bundled plugins, one module or package for each capability."""
