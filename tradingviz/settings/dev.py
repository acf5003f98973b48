"""Development and the embedded start: plain HTTP on loopback."""

from tradingviz.settings import base, env

env.inherit(base, globals())

DEBUG = env.boolean("DEBUG", False)
