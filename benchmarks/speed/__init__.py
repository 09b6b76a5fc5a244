"""What a caller waits for and what an operator pays: this host, plain livekit-agents, openrtc."""
