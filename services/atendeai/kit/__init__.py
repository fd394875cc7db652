"""What every service stands on: settings, tenancy, database, cache, identity, work, errors, metrics and the app itself.

The kit never imports a service, and knows nothing of appointments, messages or dialogue. It may open connections to
PostgreSQL and Redis and speak HTTP to the other services; nothing else in the product does so on its own.
"""
