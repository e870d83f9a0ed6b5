"""Stock and shipping of devices and SIM cards."""
