"""Who is told what: the outbox becomes notices of persons, each once."""
