"""What people see of a target: the states of its packages, reports and pages."""
