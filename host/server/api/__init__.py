"""The HTTP API: programs place calls with it, and ask how they went.

    POST /calls        place a call; answered at once, with its id
    GET /calls/{id}    how it stands, or how it went
    GET /openapi.json  all of it, for a program

It is off unless HOST_API_PORT is set, and imported only then: see `host.server.api.server`.
"""
