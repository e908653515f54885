"""What somebody has typed and not yet sent: kept per person and place, with a version, until it is sent, dropped or old."""
