"""What a business key is about where it is no ticket: a patrol, a finding, a handover. Lists of work show its title and place."""
