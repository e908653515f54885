"""Many people at once through HTTP: right answers in `make test`, figures too in `make load`."""
