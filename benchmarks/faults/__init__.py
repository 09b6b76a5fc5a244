"""What a call comes to when something breaks: this host, beside a plain livekit-agents worker."""
