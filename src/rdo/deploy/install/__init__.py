"""From answers to hosts: the steps of an installation, the plan, carrying it out, the journal."""
