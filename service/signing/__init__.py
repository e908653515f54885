"""Signing: the password again over the hash of what is shown. Every area that has something signed uses this.

    sheet = Sheet({...})                                     # plain JSON: what the page shows; its `hash` stands on the page
    proof = actions.prove(app, person, password, address)    # before the transaction: hashing a password takes its time
    with app.writing() as session:
        current = Sheet(...)                                 # read again, under the lock of what is signed
        row = actions.sign(session, proof, subject, "handover-in", current, seen_hash, shown=request.form["shown"])

`sign` covers what was seen: where the content has changed since, it raises `ContentChanged`, whose `differences` the page shows,
and nothing is signed. The row keeps the content as it was signed; a second signature of the same meaning is a new version that
names the one before. A step that needs a signature takes its id from the form and asks `steps.spend`: each serves one step.
"""
