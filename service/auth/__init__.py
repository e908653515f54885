"""Who is at the screen: passwords, sessions on the server, limits on guessing."""
