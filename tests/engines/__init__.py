"""Sites on real engines: Redis, PostgreSQL, Celery workers, Daphne, each a process of the test."""
