"""The places and the people: company down to unit, persons, roles, departments, substitutes, who is on duty."""
