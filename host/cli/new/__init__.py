"""`new`: writes projects, personas and plugins from the files of `templates/`."""
