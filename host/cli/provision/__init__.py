"""Makes LiveKit's trunks and dispatch rule what host.toml says: `python -m host provision`.

`wanted` is made from the settings, `found` is read from LiveKit; `plan` holds the difference, and
`clashes` what stands in its way. `apply` makes the changes, `export` writes files for `lk`.
"""
