"""The steps from an earlier shape of the database to the present one."""
