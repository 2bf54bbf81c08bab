"""The limits of this machine, beside which every other figure stands."""

import os
import platform
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PER_WRITER = 500
_TRIPS = 20_000


def described() -> str:
    """The machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {python}, Linux {platform.release()}"


def files_a_second(folder: Path, writers: int) -> float:
    """Files created, written, fsynced, linked, their folder fsynced: what a 250 must wait for."""
    places = [folder / f"writer{writers}-{each}" for each in range(writers)]
    for place in places:
        place.mkdir()
    begun = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(_write, places))
    return writers * _PER_WRITER / (time.perf_counter() - begun)


def _write(place: Path) -> None:
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    for each in range(_PER_WRITER):
        file = os.open(f"t{each}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        os.write(file, b"x" * 1024)
        os.fsync(file)
        os.close(file)
        os.link(f"t{each}", f"n{each}", src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    os.close(folder)


def round_trips_a_second() -> float:
    """One octet there and back over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        echo = threading.Thread(target=_echo, args=(listening,), daemon=True)
        echo.start()
        with socket.create_connection(listening.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begun = time.perf_counter()
            for _ in range(_TRIPS):
                client.sendall(b"x")
                client.recv(1)
            return _TRIPS / (time.perf_counter() - begun)


def _echo(listening: socket.socket) -> None:
    peer, _ = listening.accept()
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while octet := peer.recv(1):
            peer.sendall(octet)
