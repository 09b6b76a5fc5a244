"""What a persona and a plugin see of a call: its hooks, `Call`, and what they answer."""
