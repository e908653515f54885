"""Duty rounds (clauses 17, 18, 20, 21) and checks of workplaces (24.1 to 24.5): what is to happen at a time, ticked by whoever did it.

The timetable of a centre is data that a supervisor keeps. The etiquette window moves only after the company's quality department
has acknowledged the notice of it.
"""
