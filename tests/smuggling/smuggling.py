"""Sends requests whose end two parties could see in different places through proxies to `tokenhouse dev`.

    smuggling.py PROGRAM PROXY...

A proxy keeps connections to the server and sends requests of different callers over them. If the two disagreed about where one ends, what is left
of it would be read as the beginning of the next, and somebody else would get the answer to it. So after each shape some honest requests go through the
same proxy: each must get its own answer.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
HONEST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SIZE = b"%x" % len(HIDDEN)


def post(lines, body=b""):
    return b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n" + body


def both(coding):
    """A length that covers what is hidden, and a coding that ends before it."""
    return post(coding + b"Content-Length: %d\r\n" % (5 + len(HIDDEN)), b"0\r\n\r\n" + HIDDEN)


def chunks(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


SHAPES = {
    "length and coding": both(b"Transfer-Encoding: chunked\r\n"),
    "space before the colon": both(b"Transfer-Encoding : chunked\r\n"),
    "tab before the coding": both(b"Transfer-Encoding:\tchunked\r\n"),
    "vertical tab before the coding": both(b"Transfer-Encoding: \x0bchunked\r\n"),
    "folded line": both(b"Transfer-Encoding:\r\n chunked\r\n"),
    "xchunked": both(b"Transfer-Encoding: xchunked\r\n"),
    "chunked, identity": both(b"Transfer-Encoding: chunked, identity\r\n"),
    "identity, chunked": both(b"Transfer-Encoding: identity, chunked\r\n"),
    "quoted coding": both(b'Transfer-Encoding: "chunked"\r\n'),
    "two codings": both(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
    "coding behind a bare LF": both(b"X: a\nTransfer-Encoding: chunked\r\n"),
    "coding behind a bare CR": both(b"X: a\rTransfer-Encoding: chunked\r\n"),
    "coding behind a NUL": both(b"X: a\0Transfer-Encoding: chunked\r\n"),
    "lines that end with LF alone": both(b"Transfer-Encoding: chunked\r\n").replace(b"\r\n", b"\n", 4),
    "the same length twice": post(b"Content-Length: 0\r\nContent-Length: 0\r\n", HIDDEN),
    "two lengths": post(b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(HIDDEN), HIDDEN),
    "lengths in a list": post(b"Content-Length: 0, %d\r\n" % len(HIDDEN), HIDDEN),
    "plus": post(b"Content-Length: +%d\r\n" % len(HIDDEN), HIDDEN),
    "hexadecimal": post(b"Content-Length: 0x0\r\n", HIDDEN),
    "chunked in HTTP/1.0": b"POST /oauth/token HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "size with 0x": chunks(b"0x0\r\n\r\n" + HIDDEN),
    "size beyond 64 bits": chunks(b"10000000000000000\r\n\r\n" + HIDDEN),
    "size that ends with a bare LF": chunks(b"0\n\n" + HIDDEN),
    "chunk longer than its size": chunks(b"1\r\nxx\r\n0\r\n\r\n" + HIDDEN),
    "bare LF in an extension": chunks(b"0;\n" + HIDDEN + b"\r\n\r\n"),
    "hidden in an extension": chunks(b"0;" + HIDDEN),
    "hidden in a trailer": chunks(b"0\r\nX: " + HIDDEN),
    "hidden in a chunk": chunks(SIZE + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "two Hosts": b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + HIDDEN,
    "another Host than in the target": b"GET http://y/livez HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "an upgrade with a body": post(b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n" % len(HIDDEN), HIDDEN),
    "websocket": post(b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", HIDDEN),
}

NGINX = """
daemon off; master_process off; error_log {folder}/nginx.log; pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream tokenhouse {{ server 127.0.0.1:{server}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://tokenhouse;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 64
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    http-reuse always
    {options}
frontend in
    bind 127.0.0.1:{port}
    default_backend tokenhouse
backend tokenhouse
    server one 127.0.0.1:{server} maxconn 1
"""

# How each proxy is run: what must be written, and the command.
VARIANTS = {
    "nginx": [("buffering requests", NGINX, {"buffering": "on"}), ("streaming requests", NGINX, {"buffering": "off"})],
    "haproxy": [
        ("strict", HAPROXY, {"options": ""}),
        ("accepting invalid requests", HAPROXY, {"options": "option accept-invalid-http-request"}),
    ],
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def exchange(port, request, patience=30):
    """What is answered until the connection is closed, or nothing more has come for so many seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as stream:
        try:
            stream.sendall(request)
            while piece := stream.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer


def is_up(port):
    try:
        return exchange(port, HONEST).startswith(b"HTTP/1.1 200")
    except ConnectionRefusedError:
        return False


def wait_for(port, child):
    deadline = time.monotonic() + 30
    while not is_up(port):
        if child.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("tests/smuggling/run: a proxy does not start")
        time.sleep(0.1)


def main(program, proxies):
    folder = pathlib.Path(tempfile.mkdtemp())
    ready = folder / "ready.json"
    arguments = [program, "dev", "--json", "--port", "0", "--resource-port", "0", "--ready-file", str(ready)]
    children = [subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"))]
    wrong = []
    try:
        while not ready.exists():
            time.sleep(0.05)
        server = int(json.loads(ready.read_text())["issuer"].rstrip("/").rsplit(":", 1)[1])
        for proxy in proxies:
            for variant, text, more in VARIANTS[proxy]:
                port = free_port()
                file = folder / f"{proxy}-{port}.conf"
                file.write_text(text.format(folder=folder, server=server, port=port, **more))
                command = ["nginx", "-c", file] if proxy == "nginx" else ["haproxy", "-f", file]
                child = subprocess.Popen(command, stderr=(folder / f"{proxy}.err").open("w"))
                children.append(child)
                wait_for(port, child)
                refused = 0
                for name, request in SHAPES.items():
                    told = exchange(port, request, patience=1)
                    refused += told == b"" or told.startswith(b"HTTP/1.1 400")
                    for _ in range(3):
                        answer = exchange(port, HONEST)
                        if not answer.startswith(b"HTTP/1.1 200") or answer.count(b"HTTP/1.1 ") != 1:
                            wrong.append(f"{proxy}, {variant}: after {name}: {answer[:300]!r}")
                print(f"ok   {proxy}, {variant}: {len(SHAPES)} shapes, {refused} refused", flush=True)
                child.terminate()
                child.wait()
    finally:
        for child in children:
            child.terminate()
            child.wait()
    log = (folder / "log").read_text()
    if "panic" in log:
        wrong.append("the server panicked")
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
