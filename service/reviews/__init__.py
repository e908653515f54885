"""Reviews (clauses 23.3, 24.9, 25.3): the daily one of the supervisor, the weekly one of the manager, each signed.

What a review covers is read afresh until it is signed; the signature keeps the content as it was seen (service.signing). What
changes afterwards stands as a further version beside it, with what differs, until that is signed too.
"""
