"""The network's own inventory: devices, addresses, licences."""
