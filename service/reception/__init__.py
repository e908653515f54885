"""What the desk notes beside requests: missed calls (clause 24.7), visitors (clause 19), visits to customers (clause 22).

A missed call runs as the procedure `missed-call`; visitors and visits are entries of their registers, nothing more.
"""
