"""Database backend: Django's own for PostgreSQL, on a server that starts when the first connection is asked for."""
