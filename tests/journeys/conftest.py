"""What of the journeys is for `make faults` only."""

import os

collect_ignore = [] if os.environ.get("FAULTS") == "full" else ["test_partner_exchange.py"]  # two products: a minute
