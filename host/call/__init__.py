"""The call as personas and plugins see it: hooks, `Call`, and the types that hooks return."""
