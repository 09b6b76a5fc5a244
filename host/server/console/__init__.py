"""The console: pages for a person at a browser, rendered on the server.

    /login        sign in with HOST_CONSOLE_TOKEN
    /live         live calls, their transcripts, hanging up
    /calls        search in the call log, a page for each call, CSV
    /campaigns    start, look at, pause, resume and stop campaigns, their results as CSV
    /personas     who is loaded, what is broken, numbers, models, budgets; a telephone to each
    /gate         whether a number may be called
    /figures      calls by hour and outcome, answer rate, first words, durations, failures

It is off unless HOST_CONSOLE_PORT is set, and imported only then: see `host.server.console.server`.
Each request passes `guard.py` first. Functions of `calls.py`, `live.py` and the like answer in
threads, because they read files.
"""
