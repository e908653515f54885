"""The supervisor's board: the open work of a centre by department, how much each person has, and giving work to others."""
