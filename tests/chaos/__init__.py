"""Faults: processes killed, stopped and doubled while people work; a checker that reads only the tables."""
