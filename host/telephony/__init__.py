"""The far end: dialling, call status, hang-up, keys, transfer, voicemail and screening."""
