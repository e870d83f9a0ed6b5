# The image of every process: web, worker, beat and network simulator differ only in their command.
FROM node:24-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.13-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/trunkline trunkline
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 TRUNKLINE_VAR=/var/lib/trunkline HOST=0.0.0.0 PORT=8000
WORKDIR /srv/trunkline
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt
COPY --from=assets /assets/node_modules node_modules
COPY . .
RUN python -m compileall -q . \
 && DATABASE_URL=postgresql:///none REDIS_URL=redis://none python manage.py collectstatic --noinput --verbosity 0 \
 && mkdir -p /var/lib/trunkline/media /var/lib/trunkline/mail \
 && chown -R trunkline /var/lib/trunkline
USER trunkline
EXPOSE 8000
CMD ["gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
