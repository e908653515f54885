"""Shifts: posts and their roster, who is responsible now, handovers with goods, the check before going home, leaving the post."""
