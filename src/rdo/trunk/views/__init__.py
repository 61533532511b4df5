"""What people are shown of a target: states, reasons, reports and pages."""
