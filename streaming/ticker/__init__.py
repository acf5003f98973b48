"""The contract with the ticker service: what a tick is on the wire, and the stream that hands it over."""
