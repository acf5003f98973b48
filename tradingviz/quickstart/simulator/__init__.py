"""A market that is made up, in place of the ticker service: REST on loopback, ticks and order updates onto Redis.

`feed`, `app` and `__main__` serve it, the other modules are pure.
Every number is a function of a seed and an instant, so that any past minute can be made again.
"""
