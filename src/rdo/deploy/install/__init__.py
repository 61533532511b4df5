"""The steps of an installation, the plan, carrying it out on hosts, and the journal."""
