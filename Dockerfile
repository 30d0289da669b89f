# The platform without embedded servers: bring PostgreSQL and Redis (see compose.yaml). Runs as an ordinary user.
FROM python:3.11-slim-bookworm AS built
WORKDIR /app
COPY requirements/ requirements/
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements/uv.txt \
    && /app/.venv/bin/uv pip install --no-cache --python /app/.venv/bin/python --compile-bytecode \
       --require-hashes -r requirements/production.txt

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /app bellwether
WORKDIR /app
COPY --from=built /app/.venv /app/.venv
COPY . .
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 BELLWETHER_ENV=production VAR_DIR=/app/var HOST=0.0.0.0 PORT=8000
# Styles and scripts are collected at build time; the values only satisfy the start-up checks and are not kept.
RUN mkdir -p /app/var && SECRET_KEY=build DATABASE_URL=postgresql://build REDIS_URL=redis://build/0 ALLOWED_HOSTS=build \
    python manage.py collectstatic --noinput -v 0 \
    && chown -R bellwether: /app/var
USER bellwether
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["gunicorn", "-c", "python:config.runtime.gunicorn_config", "config.wsgi:application"]
