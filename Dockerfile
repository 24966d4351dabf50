# Three targets: `build` makes the virtual environment, `ingest` is the demo's RTMP server, `neverdark` is the product.
#     docker build --build-arg REVISION=$(git rev-parse --short=12 HEAD) -t neverdark:local .
# Nothing here is for one architecture: the same file builds on amd64 and arm64.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# --- the virtual environment ------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS build
RUN python3 -m venv /opt/neverdark
WORKDIR /src

# What others wrote comes first: a change of our own code does not install it anew. The FFmpeg inside a package is for
# machines without one; this image has Debian's.
COPY pyproject.toml constraints.txt ./
RUN python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        >requirements.txt \
    && /opt/neverdark/bin/pip install --no-cache-dir -c constraints.txt -r requirements.txt \
    && rm -f /opt/neverdark/lib/python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*

COPY README.md LICENSE ./
COPY supervisor supervisor
COPY exporter exporter
RUN /opt/neverdark/bin/pip install --no-cache-dir --no-deps . \
    && /opt/neverdark/bin/pip check \
    && /opt/neverdark/bin/pip uninstall --yes pip

# --- an RTMP server for the demo ----------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS ingest
RUN apt-get update \
    && apt-get install -y --no-install-recommends libnginx-mod-rtmp nginx-light \
    && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY deploy/ingest/nginx.conf /etc/neverdark-ingest/nginx.conf
USER www-data
EXPOSE 1935
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["python3", "-c", \
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/stat'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["nginx", "-e", "stderr", "-c", "/etc/neverdark-ingest/nginx.conf"]

# --- neverdark ----------------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS neverdark
# Texts, of slates and of overlays, need a font.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates ffmpeg fontconfig fonts-dejavu-core \
    && apt-get clean && rm -rf /var/lib/apt/lists/*

# It owns nothing but its data. Who gives it files to read, keys above all, gives them to this user.
ARG UID=10001
RUN groupadd --gid "$UID" neverdark \
    && useradd --uid "$UID" --gid "$UID" --no-create-home --home-dir /var/lib/neverdark --shell /usr/sbin/nologin neverdark \
    && install -d -o neverdark -g neverdark -m 0750 /var/lib/neverdark
VOLUME /var/lib/neverdark

COPY --from=build /opt/neverdark /opt/neverdark
COPY --chmod=0755 deploy/container/neverdark /usr/local/bin/neverdark
COPY --chmod=0644 deploy/container/healthy.py /usr/local/lib/neverdark/healthy.py

# They win over the configuration's own `listen` and `data_dir`, which mean another machine. Beyond loopback a token is
# required: deploy/container/neverdark makes one where the owner has none.
ENV NEVERDARK_LISTEN=0.0.0.0:9833 \
    NEVERDARK_DATA_DIR=/var/lib/neverdark \
    PYTHONUNBUFFERED=1
USER ${UID}:${UID}
WORKDIR /var/lib/neverdark
EXPOSE 9833
# Of neverdark itself, not of its streams: a container that is started anew does not bring a camera back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python3", "-S", "/usr/local/lib/neverdark/healthy.py"]
# As the first process it reaps what others leave behind; an init is not needed.
ENTRYPOINT ["neverdark"]
CMD ["run"]

# Last, because it differs each time. /metrics tells it as livestream_build_info{revision}.
ARG REVISION=unknown
ENV NEVERDARK_REVISION=${REVISION}
LABEL org.opencontainers.image.title=neverdark org.opencontainers.image.revision=${REVISION}
