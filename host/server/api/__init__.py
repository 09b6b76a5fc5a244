"""The HTTP API: places calls and reports their status and outcome.

    POST /calls         place a call; returns at once, with its id
    GET /calls          live and recent calls, in pages
    GET /calls/{id}     the status or outcome of a call
    DELETE /calls/{id}  hang up a call
    GET /openapi.json   the OpenAPI description

It is off unless HOST_API_PORT is set, and imported only then: see `host.server.api.server`.
"""
