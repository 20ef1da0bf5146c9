"""Django's Postgres backend, with a pool that gets over the loss of its Postgres at once."""
