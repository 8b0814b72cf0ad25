# syntax=docker/dockerfile:1
# The operator's image: docker build --tag berth --build-arg REVISION=$(git rev-parse HEAD) .

FROM ghcr.io/astral-sh/uv:0.13.8-python3.13-bookworm-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# Dependencies change less often than code: a layer of their own.
COPY pyproject.toml uv.lock README.md ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra ecr --no-install-project
COPY operator operator
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra ecr --no-editable

# The same Python at the same path as in the stage above, which the virtual environment refers to.
FROM python:3.13-slim-bookworm
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Berth" \
      org.opencontainers.image.description="Amazon ECS's resources on any Kubernetes cluster" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app/.venv /app/.venv
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["berth"]
CMD ["run"]
