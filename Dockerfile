# The one image of the project's jobs: AWS Batch, SageMaker Processing and script training run `python -m app.jobs`.
# Everything in it is from uv.lock. Built by `mdlc image build`, for linux/amd64 and linux/arm64.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/mdlc
RUN python -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /build
# Dependencies first, without the application: they are built again only when the lock changes.
COPY pyproject.toml uv.lock .python-version ./
COPY emulator/pyproject.toml emulator/pyproject.toml
RUN /opt/tools/bin/uv sync --locked --no-cache --no-default-groups --group jobs \
    --no-install-project --no-install-package mdlc-emulator

FROM ${BASE}
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mdlc
COPY --from=build /opt/mdlc /opt/mdlc
COPY app /srv/mdlc/app
ENV PATH=/opt/mdlc/bin:$PATH \
    PYTHONPATH=/srv/mdlc \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN ["python", "-m", "compileall", "-q", "/srv/mdlc/app"]
WORKDIR /srv/mdlc
USER 10001:10001
ENTRYPOINT ["python", "-m", "app.jobs"]
