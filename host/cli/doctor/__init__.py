"""`host doctor`: examines a deployment for everything that is known to go wrong.

A check is a function in `checks/`, and a line in `catalogue.py`. It looks at a `Deployment`, and
returns findings: what is wrong, why it matters, and the exact mend.
"""
