"""The parent process: accepts jobs, monitors calls, serves health checks and the HTTP API."""
