# Crewgate in a container: docs/install.md says how to run it.

# The one part without a hash: give it the digest that `docker pull` prints to have it always the same.
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --no-compile --require-hashes \
    --requirement requirements.txt
COPY deploy/requirements-build.txt deploy/
RUN python -m venv /build \
    && /build/bin/pip install --no-cache-dir --require-hashes --requirement deploy/requirements-build.txt
COPY pyproject.toml hatch_build.py README.md CHANGELOG.md LICENSE ./
COPY bot bot
# --build-arg CREWGATE_COMMIT=$(git describe --always --dirty): what `crewgate --version` names.
ARG CREWGATE_COMMIT=
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /venv/bin/pip install --no-cache-dir --no-compile --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
# The only place that is written to; .env and crews.toml are read there too.
RUN useradd --system --uid 10001 --no-create-home crewgate \
    && install --directory --owner=crewgate --mode=0700 /data
COPY --from=build /venv /venv
# HOME: slack_sdk wants one, and the platform may choose a user that is not in /etc/passwd.
ENV PATH=/venv/bin:$PATH \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite:////data/crewgate.db \
    LOG_FORMAT=json
# Python's own library comes uncompiled, and each start would compile it again: half a second.
RUN python -m compileall -q -x /usr/local/lib/python3.11/site-packages \
    /usr/local/lib/python3.11 /venv/lib
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["crewgate", "health"]
# Without a shell, so that SIGTERM reaches the bot.
ENTRYPOINT ["crewgate"]
CMD ["serve"]
