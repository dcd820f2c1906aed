"""
Asks every TCP port of an address, or those that are named, for a connection: `scan.py SOURCE ADDRESS [PORT...]` writes
{"open": [...], "refused": [...]}; silence is neither. Requests are made by hand, since 65 thousand sockets take long.
"""

import json
import random
import select
import socket
import struct
import sys
import time

# Twice each, so that one that is lost counts for nothing.
ROUNDS = 2
# Of a target without a firewall enough is soon seen.
ENOUGH_ANSWERS = 200
PATIENCE_SECONDS = 1
SYN, RST, ACK = 0x02, 0x04, 0x10


def words(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def requests(source, target, own_port, ports):
    sequence = random.getrandbits(32)
    fixed = struct.pack("!HHLLBBHHH", own_port, 0, sequence, 0, 5 << 4, SYN, 64240, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", socket.IPPROTO_TCP, len(fixed))
    base = words(fixed) + words(pseudo)
    for port in ports:
        checksum = base + port
        while checksum > 0xFFFF:
            checksum = (checksum & 0xFFFF) + (checksum >> 16)
        yield port, fixed[:2] + struct.pack("!H", port) + fixed[4:16] + struct.pack("!H", checksum ^ 0xFFFF) + fixed[18:]


def collect(raw, target, own_port, found, seconds):
    deadline = time.monotonic() + seconds
    while len(found) <= ENOUGH_ANSWERS and select.select([raw], [], [], max(0, deadline - time.monotonic()))[0]:
        packet, (sender, _) = raw.recvfrom(4096)
        start = (packet[0] & 0x0F) * 4
        port, to, _, _, _, flags = struct.unpack("!HHLLBB", packet[start : start + 14])
        if sender == target and to == own_port:
            found[port] = "refused" if flags & RST else "open" if flags & (SYN | ACK) == SYN | ACK else "strange"


def main(source, target, *named):
    ports = [int(port) for port in named] or range(1, 65_536)
    own_port = random.randrange(61_000, 65_000)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    found = {}
    for _ in range(ROUNDS):
        for number, (port, packet) in enumerate(requests(source, target, own_port, ports)):
            raw.sendto(packet, (target, 0))
            if number % 256 == 0:
                collect(raw, target, own_port, found, 0)
            if len(found) > ENOUGH_ANSWERS:
                break
        collect(raw, target, own_port, found, PATIENCE_SECONDS)
    print(json.dumps({kind: sorted(p for p, k in found.items() if k == kind) for kind in ("open", "refused")}))


main(*sys.argv[1:])
