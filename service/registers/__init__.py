"""The quality records of chapter 6 as registers: what the procedures leave behind, in the columns of the paper forms.

Nothing is kept twice: a register reads the rows of tickets, patrols and rounds. A record that has no procedure here yet says so.
"""
