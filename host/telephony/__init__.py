"""The far end: dialling it, its status, hanging up, transfers, voicemail and screening."""
