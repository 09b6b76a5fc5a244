"""The gate: every number that is dialled, every transfer and every key passes it."""

from host.gate.do_not_call import DoNotCall
from host.gate.faults import faults_of
from host.gate.gate import Gate
from host.gate.keys import KeyRules
from host.gate.rules import as_uri
from host.gate.verdict import Rule, Verdict, refuse

__all__ = ["DoNotCall", "Gate", "KeyRules", "Rule", "Verdict", "as_uri", "faults_of", "refuse"]
