"""One box finds everything: keys of units, customers, contacts and tickets, on both databases."""
