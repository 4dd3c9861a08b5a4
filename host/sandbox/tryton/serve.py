"""Serves the database of a folder on a free port of 127.0.0.1, until standard input ends.

    python serve.py FOLDER [ACCOUNTS CONTACTS]

The numbers say how many companies and people to make up before serving.
The first line on standard output is the port, written when the server answers.
After it, each line on standard input is an order in JSON, and its answer a line on standard output, see `carry_out`.
"""

import datetime
import json
import os
import sys
import threading
from decimal import Decimal
from pathlib import Path

DATABASE = "tryton"


def follow(parent, turn):
    """Carries out orders, and ends this process when the one that gives them closes the pipe or dies."""
    for line in parent:
        try:
            with turn:
                answer = {"answer": carry_out(json.loads(line, parse_float=Decimal))}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer, default=str), flush=True)
    os._exit(0)


def carry_out(order):
    """Does what somebody in the office does, as an administrator and in one transaction, and answers ids or rows."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    if order["do"] == "pass":
        Clock.ahead += datetime.timedelta(milliseconds=order["milliseconds"])
        return None
    with Transaction().start(DATABASE, 0, context={"company": 1, "companies": [1]}):
        model = Pool(DATABASE).get(order["model"])
        if order["do"] == "create":
            from seed import batches

            parts = batches(order["values"])
            return [it.id for part in parts for it in model.create(part)]
        if order["do"] == "search":
            return [it.id for it in model.search(order["domain"])]
        if order["do"] == "read":
            return model.search_read(order["domain"], fields_names=order["fields"])
        records = model.browse(order["ids"])
        if order["do"] == "write":
            model.write(records, order["values"])
        else:
            model.delete(records)
        return None


class Clock:
    """The time by which records are stamped, which an order can move."""

    ahead = datetime.timedelta()

    @classmethod
    def set(cls):
        """Puts this clock into Tryton's functions for SQLite."""
        from trytond.backend.sqlite import database
        from trytond.transaction import Transaction

        def now():
            # One time for a whole transaction, as Tryton's own has it.
            transaction = Transaction()
            times = database._nows.setdefault(transaction, {})
            time = datetime.datetime.now() + cls.ahead
            return times.setdefault(transaction.started_at, time.isoformat(" "))

        database.now = now


def one_writer(app, turn):
    """Lets requests that may write in one at a time.

    On SQLite two transactions get the same number from a sequence, and one of them is refused:
    "The code on party must be unique." PostgreSQL, which real installations have, lets them wait.
    """

    def orderly(environ, start_response):
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return app(environ, start_response)
        with turn:
            return app(environ, start_response)

    return orderly


def main():
    """Serves the folder of the command line."""
    turn = threading.Lock()
    watch = threading.Thread(target=follow, args=(sys.stdin, turn), daemon=True)
    folder, *numbers = sys.argv[1:]

    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(Path(folder)))

    # Importing the application loads the modules; it insists on being the only thread.
    from trytond.application import app
    from trytond.pool import Pool

    watch.start()
    Clock.set()
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
        "127.0.0.1", 0, one_writer(app, turn), threaded=True, request_handler=Quiet
    )
    print(server.server_port, flush=True)
    server.serve_forever()


main()
