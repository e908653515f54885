"""Whether the installation is well: clocks alive, outbox moving, nothing stuck."""
