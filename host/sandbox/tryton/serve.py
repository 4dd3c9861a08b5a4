"""Serves the database of a folder on a free port of 127.0.0.1, until standard input ends.

    python serve.py FOLDER [ACCOUNTS CONTACTS]

The numbers say how many companies and people to make up before serving.
The only line on standard output is the port, written when the server answers.
"""

import os
import sys
import threading
from pathlib import Path

DATABASE = "tryton"


def follow(parent):
    """Ends this process when the one that started it closes the pipe or dies."""
    while parent.read(4096):
        pass
    os._exit(0)


def one_writer(app):
    """Lets requests that may write in one at a time.

    On SQLite two transactions get the same number from a sequence, and one of them is refused:
    "The code on party must be unique." PostgreSQL, which real installations have, lets them wait.
    """
    turn = threading.Lock()

    def orderly(environ, start_response):
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return app(environ, start_response)
        with turn:
            return app(environ, start_response)

    return orderly


def main():
    """Serves the folder of the command line."""
    watch = threading.Thread(target=follow, args=(sys.stdin.buffer,), daemon=True)
    folder, *numbers = sys.argv[1:]

    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(Path(folder)))

    # Importing the application loads the modules; it insists on being the only thread.
    from trytond.application import app
    from trytond.pool import Pool

    watch.start()
    Pool(DATABASE).init()
    if numbers:
        import seed

        seed.fill(DATABASE, *map(int, numbers))

    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        """Speaks HTTP/1.1, and does not log requests."""

        protocol_version = "HTTP/1.1"

        def log_request(self, code="-", size="-"):
            pass

    server = make_server(
        "127.0.0.1", 0, one_writer(app), threaded=True, request_handler=Quiet
    )
    print(server.server_port, flush=True)
    server.serve_forever()


main()
