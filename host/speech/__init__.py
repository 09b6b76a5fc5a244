"""The conversation: session, providers, greeting, dead air, cached prompts and recording."""
