"""Who is at a ticket right now. It never keeps anybody from anything: two may write, and a clash shows both texts."""
