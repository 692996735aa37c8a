"""The way from any earlier shape of the database to the present one."""
