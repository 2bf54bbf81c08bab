"""The servers under test, each on loopback with a scratch store, started and stopped here.

The rule it guards: every one keeps what it acknowledges as it would in earnest. This server's
budgets and bounds are lifted by its settings; Postfix fsyncs its queue file as installed, then
delivers to a Maildir, so that both have done the same in the end; Dovecot runs in its
high-performance mode.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

DOMAIN = "tpmail.bench"
READER = "22000001"
_NUMBERED = ["7", *(f"{each}7" for each in range(2, 1001))]
_NUMBERED = ["7", *(f"{each}7" for each in range(2, 1001))]
ACCOUNTS = ["22000001-22000050", "22000100-22000102", *_NUMBERED]
"""Readers; mailboxes filled beforehand; what `smtp-source -r 1000` makes of the name 7."""

_PATIENCE = 30.0  # seconds
_LIMITS = """
[limits]
message_size = 104857600
budget = 0
list_budget = 0
list_breaker = 0
mailbox_messages = 0
mailbox_size = 0
sessions = 0
sessions_per_address = 0
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its name, its ports (0: none), its store and its first process."""

    name: str
    smtp: int
    pop3: int
    mailboxes: Path
    pid: int
    queue: Path | None = None
    """Where mail waits that was acknowledged and is not delivered yet."""

    def settle(self) -> None:
        """Waits until nothing is queued: another server's turn must not pay for it."""
        while self.queue is not None and _files(self.queue):
            time.sleep(0.05)

    def cpu(self) -> float:
        """The CPU time of all of its processes so far, in seconds; those that ended count too."""
        total = 0.0
        for each in self.processes():
            try:
                times = each.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def memory(self) -> int:
        """The proportional set size of all of its processes, in octets."""
        total = 0
        for each in self.processes():
            try:
                total += each.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        return total

    def processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]


def _files(queue: Path) -> int:
    found = (names for part in ("incoming", "active") for _, _, names in os.walk(queue / part))
    return sum(len(names) for names in found)


def free_port() -> int:
    """A port of loopback that nothing has."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(port: int) -> None:
    """Waits until a server greets there."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), _PATIENCE) as client:
                if client.recv(1):
                    return
        except OSError:
            pass
        if time.monotonic() > give_up:
            raise TimeoutError(f"nothing answers on port {port}")
        time.sleep(0.02)


@contextmanager
def tpmail(folder: Path, *options: str, name: str = "tpmail") -> Iterator[Running]:
    """This server, on a site of its own."""
    site = folder / "site"
    site.mkdir()
    (site / "tpmail.toml").write_text(f'domain = "{DOMAIN}"\n{_LIMITS}')
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(site)]
    subprocess.run([*command, "add", *ACCOUNTS], check=True, stdout=subprocess.DEVNULL)
    make_list = [*command, "list", "add", "all", *_NUMBERED]
    subprocess.run(make_list, check=True, stdout=subprocess.DEVNULL)
    smtp, pop3 = free_port(), free_port()
    here = "interface=127.0.0.1"
    endpoints = [f"--smtp=tcp:{smtp}:{here}", f"--pop3=tcp:{pop3}:{here}"]
    twistd = [
        "-c",
        "from twisted.scripts.twistd import run; run()",
        "--nodaemon",
        "--pidfile=",
        f"--logfile={folder / 'log'}",
        "tpmail",
    ]
    server = subprocess.Popen([sys.executable, *twistd, "--site", str(site), *endpoints, *options])
    try:
        wait_for(smtp)
        wait_for(pop3)
        yield Running(name, smtp, pop3, site / "maildirs", server.pid)
    finally:
        server.terminate()
        server.wait(_PATIENCE)


_MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
maillog_file = {folder}/log
maillog_file_prefixes = /
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = {domain}
mydestination =
default_transport = discard:
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
message_size_limit = 104857600
smtpd_client_connection_count_limit = 0
smtpd_recipient_limit = 2000
alias_maps =
"""


@contextmanager
def postfix(folder: Path) -> Iterator[Running]:
    """Postfix with the limits and the services of Debian's package, out of a chroot."""
    config = folder / "config"
    shutil.copytree("/etc/postfix", config)
    owner = pwd.getpwnam("postfix")
    settings = {"folder": folder, "domain": DOMAIN, "uid": owner.pw_uid, "gid": owner.pw_gid}
    (config / "main.cf").write_text(_MAIN_CF.format_map(settings))
    port = free_port()
    kept = []
    for line in (config / "master.cf.proto").read_text().splitlines():
        fields = line.split()
        if line[:1].isalpha() and len(fields) >= 8:
            fields[4] = "n"
            fields[0] = (
                f"127.0.0.1:{port}" if fields[0] == "smtp" and fields[1] == "inet" else fields[0]
            )
            kept.append(" ".join(fields))
    (config / "master.cf").write_text("\n".join(kept) + "\n")
    (folder / "queue").mkdir()
    for name in ("data", "mail"):
        (folder / name).mkdir()
        shutil.chown(folder / name, owner.pw_uid, owner.pw_gid)
    command = ["postfix", "-c", str(config)]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        wait_for(port)
        pid = int((folder / "queue/pid/master.pid").read_text())
        yield Running("Postfix", port, 0, folder / "mail", pid, folder / "queue")
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
maildir_very_dirty_syncs = {dirty}
first_valid_uid = 1
mail_max_userip_connections = 10000
auth_mechanisms = plain login
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/mail/%u
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 8000
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service pop3 {{
  service_count = 0
  process_min_avail = 2
  client_limit = 1
  process_limit = 2000
}}
"""


@contextmanager
def dovecot(folder: Path) -> Iterator[Running]:
    """Dovecot in its high-performance mode: processes that serve one session after another."""
    port = free_port()
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", "dovecot", "dovecot")
    config = folder / "dovecot.conf"
    config.write_text(_DOVECOT.format(folder=folder, port=port, dirty="no"))
    server = subprocess.Popen(["dovecot", "-F", "-c", str(config)])
    try:
        wait_for(port)
        yield Running("Dovecot", 0, port, folder / "mail", server.pid)
    finally:
        server.terminate()
        server.wait(_PATIENCE)


PEERS = {"postfix": (postfix, "postfix"), "dovecot": (dovecot, "dovecot")}
"""How each peer is started, and the program without which it is left out."""
