"""What DESIGN calls the speed we owe, measured."""
