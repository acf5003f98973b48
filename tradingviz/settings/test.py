"""Tests: secrets of no worth, servers started by the test rig."""

import os

for _name, _value in {
    "DB_PASSWORD": "test",
    "JWT_SECRET_KEY": "a-key-that-only-tests-use-0123456789abcdef",
    "ENVIRONMENT": "test",
    "DB_POOL_SIZE": "0",
    # Nobody listens there: a test that uses Redis asks the rig for it.
    "REDIS_URL": "redis://127.0.0.1:1",
}.items():
    os.environ.setdefault(_name, _value)

from tradingviz.settings import base, env  # noqa: E402 - base reads the variables set above

env.inherit(base, globals())

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Each client of a test would look through all static files.
WHITENOISE_AUTOREFRESH = True
