"""Programs that keep the hosts of a lab, examine hosts and install them."""
