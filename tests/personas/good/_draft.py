"""Not ready: names that begin with _ are passed over."""

raise RuntimeError("nobody should load this")
