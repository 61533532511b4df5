"""The database itself: engines, SQLite's files, upgrades, backups."""
