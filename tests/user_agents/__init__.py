"""SIP user agents that others wrote, baresip and SIPp, for whole calls over livekit-sip."""
