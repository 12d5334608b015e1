"""Who writes what about which domain: one file a domain, found by folder."""
