"""Django's PostgreSQL backend with one more promise: nobody waits for ever on a database that fell silent."""
