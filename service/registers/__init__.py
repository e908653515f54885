"""The quality records of chapter 6 as registers: what the procedures leave behind, in the columns of the paper forms.

Nothing is kept twice: a register reads the rows of tickets, missed calls, checks, shifts, leaves, rounds, patrols, visitors and visits.
"""
