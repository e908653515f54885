"""The customer card: who is in which unit, whom to call, what to know about them (clauses 5 and 16)."""
