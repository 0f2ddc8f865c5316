#!/usr/bin/env python3
"""Receives the webhooks of CIMD Registrar: verifies each, keeps it, and prints it once, as a line of JSON.

Needs Python 3.8 or newer and nothing else. docs/integrations/webhooks.md explains every step.

    export CIMD_WEBHOOK_SECRETS='whsec_...'     # several, separated by blanks, while one is replaced
    python3 webhook-receiver.py --database events.db --port 8443 --cert cert.pem --key key.pem

Without --cert it speaks plain HTTP, for a proxy on the same machine that terminates TLS.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 5 * 60
BODY_BYTES_MAX = 1024 * 1024
# A sender that says nothing for so long is given up.
SILENCE_SECONDS = 10


class Refused(Exception):
    """Why a request is not believed, and the status that says so."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def keys_of(secrets):
    """The keys of secrets as they are told, `whsec_` and base64."""
    keys = [base64.b64decode(re.sub("^whsec_", "", secret), validate=True) for secret in secrets.split()]
    if not keys or not all(keys):
        raise ValueError("no secret")
    return keys


def verify(keys, headers, body, now):
    """Refuses what is not signed with one of the keys, over its id, its time and its body, within five minutes."""
    webhook_id = single(headers, "webhook-id")
    timestamp = single(headers, "webhook-timestamp")
    signatures = single(headers, "webhook-signature")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Refused(400, "the timestamp is no number")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused(401, "the timestamp is more than five minutes off")
    # The bytes as they came: parsed and written again they would be others.
    signed = f"{webhook_id}.{timestamp}.".encode("latin-1") + body
    expected = [b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    given = [signature.encode("latin-1") for signature in signatures.split(" ")]
    # All are compared, each in constant time: how long it takes tells nothing.
    if not any([hmac.compare_digest(one, other) for one in given for other in expected]):
        raise Refused(401, "no signature matches")


def single(headers, name):
    """A header that has to be there once: of two, somebody else may read the other."""
    values = headers.get_all(name, [])
    if len(values) != 1 or not values[0]:
        raise Refused(400, f"{name} is missing, or there twice")
    return values[0]


class Inbox:
    """What was received, on disk before it is acknowledged: what is acknowledged is not sent again."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute(
            "create table if not exists events (id text primary key, subject text, clientseq integer, body text)"
        )
        self._db.execute("create index if not exists newest on events (subject, clientseq)")

    def receive(self, webhook_id, event):
        """Keeps and prints an event, unless it was received before."""
        subject, sequence = event.get("subject"), event.get("clientseq")
        with self._lock, self._db:
            (newest,) = self._db.execute(
                "select max(clientseq) from events where subject = ?", (subject,)
            ).fetchone()
            inserted = self._db.execute(
                "insert or ignore into events values (?, ?, ?, ?)",
                (webhook_id, subject, sequence, json.dumps(event)),
            )
            if inserted.rowcount == 0:
                note(f"{webhook_id} was received before")
                return
            if "skipped" in event:
                note(f"{event['skipped']} events about {subject} before {sequence} were given up: replay them")
            if sequence is not None and newest is not None and sequence < newest:
                note(f"{sequence} about {subject} comes late: {newest} was received before")
            print(json.dumps(event), flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Takes what is posted, to whatever path."""

    timeout = SILENCE_SECONDS
    keys = []
    inbox = None

    def do_POST(self):
        try:
            body = self.body()
            verify(self.keys, self.headers, body, time.time())
            told = json.loads(body)
            if not isinstance(told, dict) or not isinstance(told.get("type"), str):
                raise Refused(400, "the body is no event")
        except Refused as refused:
            self.refuse(refused.status, str(refused))
        except ValueError:
            self.refuse(400, "the body is no JSON")
        else:
            self.take(told)

    def body(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise Refused(411, "the length is missing")
        if int(length) > BODY_BYTES_MAX:
            raise Refused(413, "the body is too long")
        return self.rfile.read(int(length))

    def take(self, told):
        # Shows that this endpoint wants the events. It is signed like them, so nobody else can have us confirm.
        if told["type"] == "subscription.verification":
            note(f"the subscription {told.get('subscription_id')} is verified")
            return self.answer(200, json.dumps({"challenge": told.get("challenge")}))
        self.inbox.receive(self.headers["webhook-id"], told)
        return self.answer(204)

    def refuse(self, status, why):
        note(f"refused: {why}")
        self.answer(status, json.dumps({"error": why}))

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        if body:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing of each request: what matters is noted where it happens."""


def note(text):
    # Escaped, since a client's publisher chooses some of it.
    print(text.encode("unicode_escape").decode(), file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Receives the webhooks of CIMD Registrar.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--database", required=True, help="the file in which events are kept")
    parser.add_argument("--cert", help="certificate chain, PEM")
    parser.add_argument("--key", help="its private key, PEM")
    given = parser.parse_args()
    try:
        Receiver.keys = keys_of(os.environ.get("CIMD_WEBHOOK_SECRETS", ""))
    except ValueError:
        parser.error("CIMD_WEBHOOK_SECRETS: must be one secret as it was told, or several")
    Receiver.inbox = Inbox(given.database)
    server = ThreadingHTTPServer((given.host, given.port), Receiver)
    server.daemon_threads = True
    if given.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(given.cert, given.key)
        # The handshake is left to each connection's thread: a slow one holds up nobody else.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    note(f"listening on port {server.server_address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main()
