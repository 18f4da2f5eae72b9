"""An HTTP server on loopback with ranges and ETags, which breaks or refuses responses on request."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Files by path. The first `cut_responses` responses break off half-way, the next `failed_responses` are 503."""

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
    file_server = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            file_server.requests.append((path, self.headers.get("Range")))
            if path not in file_server.files:
                self.send_error(404)
                return
            if not file_server.cut_responses and file_server.failed_responses:
                file_server.failed_responses -= 1
                self.send_error(503)
                return
            content = file_server.files[path]
            start = 0
            requested = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            if requested and self.headers.get("If-Range") in {None, file_server.etag(path)}:
                start = int(requested[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", file_server.etag(path))
            self.end_headers()
            if file_server.cut_responses:
                file_server.cut_responses -= 1
                self.wfile.write(content[start : start + (len(content) - start) // 2])
                self.close_connection = True
            else:
                self.wfile.write(content[start:])

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        file_server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield file_server
        finally:
            server.shutdown()
            thread.join()
