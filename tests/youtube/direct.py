"""The same fake without sockets: where time is virtual, nobody may wait for a real connection."""

from __future__ import annotations

import io
from collections.abc import Mapping
from http.client import RemoteDisconnected

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from tests.youtube.call import Call
from tests.youtube.fake import FakeYouTube
from tests.youtube.trouble import DroppedError


class Direct(HTTPAdapter):
    """`session.mount("http://", Direct(fake))`: every request of the session is answered within the call."""

    def __init__(self, fake: FakeYouTube) -> None:
        super().__init__()
        self._fake = fake

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - requests' own signature
        timeout: object = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises what requests raises where a connection is closed without an answer."""
        del stream, timeout, verify, cert, proxies
        body = request.body or b""
        assert request.method
        assert request.url
        assert isinstance(body, str | bytes), "a body that is read while it is sent"
        sent = body.encode() if isinstance(body, str) else body
        headers = {name: str(value) for name, value in request.headers.items()}
        try:
            answer = self._fake.talk(Call.of(request.method, request.url, headers, sent))
        except DroppedError:
            closed = ProtocolError("Connection aborted.", RemoteDisconnected("closed without an answer"))
            raise requests.ConnectionError(closed, request=request) from None
        raw = HTTPResponse(io.BytesIO(answer.body), dict(answer.headers), answer.code, preload_content=False)
        return self.build_response(request, raw)
