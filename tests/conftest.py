"""Fixtures of the whole suite come from tests/rig: servers, a cast of users, the recorded data."""

from hypothesis import settings

pytest_plugins = [
    "tests.rig.collection",
    "tests.rig.clock",
    "tests.rig.hypertables",
    "tests.rig.servers",
    "tests.rig.outages",
    "tests.rig.emptying",
    "tests.rig.cast",
    "tests.rig.data",
    "tests.rig.holding",
]

# A shared machine stalls now and then; an example's wall time says nothing about the code.
settings.register_profile("rig", deadline=None, print_blob=True)
settings.load_profile("rig")
