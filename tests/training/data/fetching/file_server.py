"""A publisher's server on loopback, which has ranges and marks of its files, and troubles on request."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Files by path. The first `cuts` answers break off half-way, the next `failures` ones are HTTP 503."""

    files: dict[str, bytes]
    url: str = ""
    cut_responses: int = 0
    failed_responses: int = 0
    #: (path, Range header) of each request.
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def etag(self, path: str) -> str:
        return f'"{hash(self.files[path])}"'


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    publisher = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            publisher.requests.append((path, self.headers.get("Range")))
            if path not in publisher.files:
                self.send_error(404)
                return
            if not publisher.cut_responses and publisher.failed_responses:
                publisher.failed_responses -= 1
                self.send_error(503)
                return
            content = publisher.files[path]
            start = 0
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            if found and self.headers.get("If-Range") in {None, publisher.etag(path)}:
                start = int(found[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", publisher.etag(path))
            self.end_headers()
            if publisher.cut_responses:
                publisher.cut_responses -= 1
                self.wfile.write(content[start : start + (len(content) - start) // 2])
                self.close_connection = True
            else:
                self.wfile.write(content[start:])

        def log_message(self, *args: object) -> None:
            """Nothing on the screen of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        publisher.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()
