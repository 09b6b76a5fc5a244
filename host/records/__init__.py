"""How a call ended, the record that is written of it, and what of that is masked."""
