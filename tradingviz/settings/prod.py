"""Production: TLS in front, no working default for a secret."""

from tradingviz.settings import base, env

env.inherit(base, globals())

SECRET_KEY = env.required("DJANGO_SECRET_KEY", "a key of its own for sessions and signatures")
CREDENTIALS_KEY = env.required("CREDENTIALS_KEY", "a key of its own for credentials at rest")
ALLOWED_HOSTS = env.required("ALLOWED_HOSTS", "the host names this service answers to").split(",")
STATIC_ROOT = base.BASE_DIR / "static"
WHITENOISE_USE_FINDERS = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^health"]
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", ())
