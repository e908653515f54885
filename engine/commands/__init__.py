"""One module per thing the engine can be asked. Each: find and lock, check, change, record, return a `Result`."""
