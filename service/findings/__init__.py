"""Findings (clause 23.1): what somebody saw that is not as it should be, followed until it is put right and looked at again."""
