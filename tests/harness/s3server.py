#!/usr/bin/python3
"""A real S3-compatible server on loopback for the tests: OpenStack Swift with its S3 API.

Swift (Debian's python3-swift, Apache 2.0) is what providers of object storage run. It
verifies Signature Version 4 in headers and in presigned addresses, and knows multipart
uploads, listings and ranges. Here all four of its servers run in one process on one
device, with sockets on free ports and everything below DIR.

    s3server.py DIR [PORT]

PORT is where it listens (0: a free one); with a directory used before, what was stored is
there again. Access key test:tester, secret testing, region us-east-1. It makes the bucket
"media", prints "READY port" and runs until SIGTERM, or until its standard input ends.
"""
import base64
import hashlib
import hmac
import http.client
import os
import signal
import sys
import time

import eventlet
import eventlet.wsgi

eventlet.monkey_patch()

from swift.common import utils  # noqa: E402  (the patch comes first)
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402

ACCESS, SECRET = "test:tester", "testing"

SWIFT_CONF = "[swift-hash]\nswift_hash_path_suffix = tests\n"

BACKEND_CONF = """[DEFAULT]
devices = {dir}/devices
swift_dir = {dir}
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = ERROR
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

PROXY_CONF = """[DEFAULT]
swift_dir = {dir}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
auth_pipeline_check = false
max_upload_part_num = 10000
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
"""


class Quiet:
    """Swift says what is wrong in its answers; requests are not worth a line."""

    def write(self, text):
        pass


def now():
    return time.time()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Memory:
    """What Swift asks of memcached, in this process. Nothing is kept for long."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        value, until = self.values.get(key, (None, 0))
        return value if until > now() else None

    def set(self, key, value, serialize=True, time=0, min_compress_len=0, raise_on_error=False):
        self.values[key] = (value, now() + min(time or 60, 60))

    def incr(self, key, delta=1, time=0):
        self.set(key, (self.get(key) or 0) + delta, time=time)
        return self.get(key)

    def delete(self, key, server_key=None):
        self.values.pop(key, None)


def with_memory(app):
    memory = Memory()

    def run(env, start_response):
        env["swift.cache"] = memory
        return app(env, start_response)

    return run


def build_ring(base, kind, port):
    builder = RingBuilder(2, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": port, "device": "disk"})
    builder.rebalance(seed=1)
    builder.get_ring().save(os.path.join(base, kind + ".ring.gz"))


def make_bucket(port):
    """PUT /media, signed the old short way (Signature Version 2), so that this file has
    no second implementation of what it is there to check."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    text = "PUT\n\n\n%s\n/media" % date
    signed = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).digest()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("PUT", "/media", headers={"Date": date, "Authorization": "AWS %s:%s" % (ACCESS, signed)})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in (200, 409):
        raise SystemExit("s3server: no bucket: %d %r" % (answer.status, said))


def main():
    base = os.path.abspath(sys.argv[1])
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    os.makedirs(os.path.join(base, "devices", "disk"), exist_ok=True)
    write(os.path.join(base, "swift.conf"), SWIFT_CONF)
    utils.SWIFT_CONF_FILE = os.path.join(base, "swift.conf")
    utils.validate_hash_conf()
    utils.disable_fallocate()

    from swift.common.wsgi import loadapp

    sockets = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in ("account", "container", "object")}
    for kind, sock in sockets.items():
        build_ring(base, kind, sock.getsockname()[1])
    front = eventlet.listen(("127.0.0.1", port), backlog=256)
    options = {"protocol": SwiftHttpProtocol, "log": Quiet(), "log_output": False, "capitalize_response_headers": False}
    for kind, sock in sockets.items():
        conf = os.path.join(base, kind + "-server.conf")
        write(conf, BACKEND_CONF.format(dir=base, kind=kind))
        eventlet.spawn(eventlet.wsgi.server, sock, loadapp(conf), **options)
    conf = os.path.join(base, "proxy-server.conf")
    write(conf, PROXY_CONF.format(dir=base))
    eventlet.spawn(eventlet.wsgi.server, front, with_memory(loadapp(conf)), **options)
    port = front.getsockname()[1]
    make_bucket(port)
    print("READY %d" % port, flush=True)

    def watch():
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    eventlet.spawn(eventlet.tpool.execute, watch)
    while True:
        eventlet.sleep(3600)


if __name__ == "__main__":
    main()
