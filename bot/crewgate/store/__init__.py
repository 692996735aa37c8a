"""The database: tables, transactions, reading, the outbox."""
