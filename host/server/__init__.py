"""The parent process: takes jobs, watches over calls, stops; health check and HTTP API."""
