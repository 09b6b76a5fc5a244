"""The conversation: session, providers, greeting, silence, and prompts that need no provider."""
