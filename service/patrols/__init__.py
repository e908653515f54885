"""Patrols (clause 23): plans of floors, the patrols that start from them, what was seen on each floor, posted notices."""
