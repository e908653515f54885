"""Excel files in and out: people and units come in from a filled template, every list goes out as it is shown."""
