"""Tables and figures by what a run is about: one file a domain, found by folder."""
