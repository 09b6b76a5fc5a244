"""`host simulate`: simulated callers talk with a persona in text, and each call is judged."""
