"""The compliance gate: judges every number dialled, every transfer and every key."""

from host.compliance.do_not_call import DoNotCall
from host.compliance.faults import faults_of
from host.compliance.gate import Gate
from host.compliance.keys import KeyRules
from host.compliance.rules import as_uri
from host.compliance.verdict import Rule, Verdict, refuse

__all__ = ["DoNotCall", "Gate", "KeyRules", "Rule", "Verdict", "as_uri", "faults_of", "refuse"]
