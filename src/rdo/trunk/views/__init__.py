"""What people see of a target: the state of its packages, reports and pages."""
