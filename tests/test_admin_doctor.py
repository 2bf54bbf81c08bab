"""The doctor's checks on real folders: what each finds, and what it says to do."""

import os
import resource
import socket
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desks import desk_at, put_mail
from tpmailserver.admin import doctor
from tpmailserver.admin.desk import FrozenSeen, NotDone, PortSeen, ServerFacts
from tpmailserver.admin.doctor import contents, machine, permissions, ports, running, storage
from tpmailserver.admin.doctor.finding import Case, Server, ok
from tpmailserver.admin.round_trip import RoundTrip
from tpmailserver.settings import Hook, Limits, Settings
from tpmailserver.site import site_at
from tpmailserver.store.locks import SiteLock

FACTS = ServerFacts(os.getpid(), 0.0, (), 0, ports=(PortSeen("SMTP", "::", 2525),))


@pytest.fixture
def case(tmp_path):
    """A site of its own without a server."""
    return case_at(tmp_path / "site")


def case_at(folder, server=None, **settings):
    desk = desk_at(folder, Settings(**settings))
    return Case(desk, server or Server())


def verdict(check, case):
    found = check(case)
    assert bool(found.advice) == (found.verdict != "ok"), "what to do is said where it is needed"
    return found.verdict


# Every check is made, whatever becomes of another.


def test_a_check_that_crashes_or_refuses_is_a_bad_line(case):
    def crashes(_case):
        raise ZeroDivisionError("a slip")

    def refuses(_case):
        raise NotDone("not now")

    def cannot(_case):
        raise PermissionError(13, "Permission denied", "/somewhere")

    checks = {
        "site": crashes,
        "rights": refuses,
        "space": cannot,
        "clock": lambda _case: ok("fine"),
    }
    found = doctor.examine(checks, case)
    assert [each.verdict for each in found] == ["bad", "bad", "bad", "ok"]
    for each, says in zip(
        found, ("ZeroDivisionError: a slip", "not now", "/somewhere", "fine"), strict=True
    ):
        assert says in each.found


def test_a_check_that_hangs_is_a_bad_line(case, monkeypatch):
    monkeypatch.setattr(doctor, "_PATIENCE", 0.05)
    never = threading.Event()
    (found,) = doctor.examine({"site": lambda _case: never.wait() or ok("")}, case)
    assert found.verdict == "bad"
    assert "no answer within" in found.found


def test_the_findings_stand_in_their_order_and_one_bad_is_bad():
    order = ("server", "site", "spool")
    findings = [doctor.Finding(each, "ok", "") for each in order]
    whole = doctor.examination(findings)
    assert [each.check for each in whole.findings] == ["site", "server", "spool"]
    assert not whole.is_bad
    assert doctor.examination([*findings, doctor.Finding("lists", "bad", "")]).is_bad


def test_a_new_site_has_nothing_wrong_with_it(case):
    for name, check in doctor.THE_SITE.items():
        if name not in ("server", "round trip", "file system", "space"):
            assert verdict(check, case) == "ok", name


def test_nothing_is_made_by_looking(tmp_path):
    folder = tmp_path / "none"
    case = Case(site_at(folder, Settings()).desk(), Server())
    assert verdict(permissions.site, case) == "bad"
    for checks in (doctor.THE_MACHINE_AS_CALLED, doctor.THE_MACHINE, doctor.THE_SITE):
        doctor.examine(checks, case)
    assert not folder.exists()
    folder.mkdir()
    found = permissions.site(case)
    assert f"no site in {folder}" in found.found
    assert f"--site {folder} init" in found.commands[0]
    assert list(folder.iterdir()) == []


# The folder and its files.


def test_files_that_others_may_read_are_told_once_the_folder_is_open_to_them(case):
    folder = case.desk.folder
    put_mail(case.desk, "postmaster")
    (folder / "maildirs").chmod(0o755)
    assert verdict(permissions.rights, case) == "ok"
    folder.chmod(0o711)
    found = permissions.rights(case)
    assert found.verdict == "warn"
    assert str(folder / "maildirs") in found.found
    assert found.commands == (f"chmod -R go= {folder}/maildirs",)


@pytest.mark.parametrize("name", ["tpmail.sqlite3", "maildirs", ".", "hooks", "spool/x"])
def test_what_others_may_write_is_bad(case, name):
    path = case.desk.folder / name
    (case.desk.folder / "hooks").mkdir(mode=0o755)
    (case.desk.folder / "spool" / "x").touch(0o600)
    path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o020)
    found = permissions.rights(case)
    assert (found.verdict, found.commands) == ("bad", (f"chmod -R go-w {case.desk.folder}",))
    assert str(path) in found.found


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others: run it as root")
def test_a_file_of_somebody_else_is_bad(case):
    put_mail(case.desk, "postmaster")
    (file,) = (case.desk.folder / "maildirs" / "postmaster" / "new").iterdir()
    os.chown(file, 12345, 12345)
    found = permissions.rights(case)
    assert found.verdict == "bad"
    assert str(file) in found.found
    assert any(f"chown -R root:root {case.desk.folder}" in each for each in found.commands)


def test_a_file_that_its_owner_may_not_read_and_a_link_are_bad(case):
    spool = case.desk.folder / "spool"
    (spool / "x").touch(0o000)
    assert verdict(permissions.rights, case) == "bad"
    (spool / "x").unlink()
    (spool / "y").symlink_to("/etc/passwd")
    assert verdict(permissions.rights, case) == "bad"


def test_the_readme_of_a_checkout_is_nobodys_mail(case):
    case.desk.folder.chmod(0o755)
    (case.desk.folder / "maildirs" / "README").touch(0o644)
    (case.desk.folder / "setup.cfg").touch(0o666)
    assert verdict(permissions.rights, case) == "ok"


MOUNTS = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:1 / /srv rw - nfs4 files:/export rw,hard
31 27 0:2 / /srv/soft rw - nfs files:/soft rw,soft,nolock
32 27 0:3 / /mnt/my\\040share rw - cifs //pc/share rw
33 27 0:4 / /mnt/home rw - fuse.sshfs me@pc: rw
34 27 0:5 / /run rw - tmpfs tmpfs rw
35 27 8:1 / /media/key rw - vfat /dev/sdb1 rw
36 27 0:6 / /layer rw - overlay overlay rw,lowerdir=/a
37 27 0:7 / /old ro,relatime - ext4 /dev/sdc rw
38 27 0:8 / /twice rw - ext4 /dev/sdd rw
39 38 0:9 / /twice rw - tmpfs tmpfs rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind", "verdict", "says"),
    [
        ("/home/me", "ext4", "ok", "ext4 on /dev/vda"),
        ("/srvice", "ext4", "ok", "/dev/vda"),
        ("/srv/tpmail", "nfs4", "ok", "network file system"),
        ("/srv/soft", "nfs", "warn", "nolock, soft"),
        ("/mnt/my share/site", "cifs", "warn", "//pc/share: a network file system"),
        ("/mnt/home/x", "fuse.sshfs", "warn", "a network file system"),
        ("/run/site", "tmpfs", "warn", "in memory"),
        ("/media/key", "vfat", "bad", "no owners"),
        ("/layer/x", "overlay", "warn", "container"),
        ("/old/x", "ext4", "bad", "read-only"),
        ("/twice/x", "tmpfs", "warn", "in memory"),
    ],
)
def test_each_file_system_is_named(case, tmp_path, monkeypatch, path, kind, verdict, says):
    assert storage.mount_of(path, MOUNTS).kind == kind
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(storage, "_MOUNTS", tmp_path / "mountinfo")
    # Where the folder really is, the table cannot say: it is asked about another.
    monkeypatch.setattr(os.path, "realpath", lambda _path: path)
    found = storage.file_system(case)
    assert (found.verdict, says in found.found) == (verdict, True), found


def test_this_machines_own_mounts_can_be_read(case):
    mount = storage.mount_of(str(case.desk.folder), Path("/proc/self/mountinfo").read_text())
    assert mount is not None
    assert str(case.desk.folder).startswith(mount.point)


def test_little_space_is_told(case, monkeypatch):
    monkeypatch.setattr(storage, "_SPACE_WARN", 2**62)
    assert verdict(storage.space, case) == "warn"
    monkeypatch.setattr(storage, "_SPACE_BAD", 2**62)
    assert verdict(storage.space, case) == "bad"


def test_what_crashes_left_in_the_spool_is_the_servers_to_remove(case):
    left = case.desk.folder / "spool" / "left"
    left.touch(0o600)
    os.utime(left, (0, time.time() - 37 * 3600))
    assert "1 left by a crash" in storage.spool(case).found
    assert verdict(storage.spool, replace(case, server=Server(FACTS))) == "warn"
    left.unlink()
    assert storage.spool(case).found == "empty"


def test_snapshots_are_counted_with_their_size(case):
    kept = case.desk.snapshots.folder / "20240101-000000-reset" / "22000001" / "new"
    kept.mkdir(parents=True)
    (kept / "x").write_bytes(b"x" * 3 * 1024 * 1024)
    assert storage.snapshots(case).found == "1 snapshot, 3.0 MiB"


# What is in the site.


def test_settings_that_cannot_be_used_are_told_with_their_line(case):
    found = contents.settings(replace(case, settings_fault="tpmail.toml: domian is no setting"))
    assert (found.verdict, "domian" in found.found) == ("bad", True)


def test_a_damaged_database_is_bad(case):
    desk = case.desk
    desk.database.add([f"{n:08}" for n in range(5000)], "all", 0.0)
    octets = bytearray(desk.database_file.read_bytes())
    octets[8192:40960] = bytes(40960 - 8192)
    desk.database_file.write_bytes(octets)
    assert "is damaged" in contents.database(case).found
    desk.database_file.write_bytes(b"no database at all" * 100)
    assert "is damaged" in contents.database(case).found
    assert verdict(contents.database, case) == "bad"
    desk.database_file.unlink()
    assert verdict(contents.database, case) == "warn"


def test_a_whole_database_says_how_much_it_has(case):
    case.desk.database.add(["22000001"], "tp1", 0.0)
    assert "1 account in 1 group, revision" in contents.database(case).found


def test_a_postmaster_that_is_no_account_is_told(tmp_path):
    case = case_at(tmp_path / "site", postmaster="99")
    found = contents.postmaster(case)
    assert found.verdict == "warn"
    assert found.commands[0].endswith("add 99")
    case.desk.database.add(["99"], None, 0.0)
    assert verdict(contents.postmaster, case) == "ok"


def test_a_suspended_list_and_a_hook_that_failed_are_told(case):
    lists = case.desk.database.lists
    for name in ("loud", "poll", "quiet"):
        lists.put(name)
    lists.suspend("loud", "101 messages of one sender")
    lists.note_trouble("poll", "exited 1", 0.0)
    found = contents.lists(case)
    assert found.verdict == "warn"
    assert "loud is suspended (101 messages of one sender)" in found.found
    assert "the hook of poll has failed (exited 1)" in found.found
    assert [each.split()[-2:] for each in found.commands] == [["resume", "loud"], ["show", "poll"]]


@pytest.mark.parametrize(
    ("mode", "folder_mode", "verdict", "says"),
    [
        (0o755, 0o755, "ok", "1: poll"),
        (0o644, 0o755, "bad", "cannot be executed"),
        (0o775, 0o755, "bad", "others may change"),
        (0o757, 0o755, "bad", "others may change"),
        (0o755, 0o757, "bad", "others may change"),
    ],
)
def test_a_hooks_program_is_its_owners_alone(tmp_path, mode, folder_mode, verdict, says):
    program = tmp_path / "programs" / "poll"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(mode)
    program.parent.chmod(folder_mode)
    case = case_at(tmp_path / "site", hooks=(Hook("poll", (str(program),)),))
    found = permissions.hooks(case)
    assert (found.verdict, says in found.found) == (verdict, True), found


def test_a_hooks_program_that_is_gone_is_bad(tmp_path):
    case = case_at(tmp_path / "site", hooks=(Hook("poll", ("/nowhere/poll",)),))
    assert "poll: there is no /nowhere/poll" in permissions.hooks(case).found


# The machine.


def test_a_clock_behind_the_sites_files_is_bad(case):
    ahead = time.time() + 7200
    os.utime(case.desk.database_file, (ahead, ahead))
    found = machine.clock(case)
    assert found.verdict == "bad"
    assert str(case.desk.database_file) in found.found


@pytest.mark.parametrize(
    ("domain", "verdict", "says"),
    [
        ("localhost", "ok", "this machine"),
        ("tpmail.invalid", "warn", "has no address here"),
    ],
)
def test_the_domain_is_looked_up(tmp_path, domain, verdict, says):
    found = machine.name(case_at(tmp_path / "site", domain=domain))
    assert (found.verdict, says in found.found) == (verdict, True), found


def test_a_domain_elsewhere_is_told_with_the_line_for_etc_hosts(tmp_path, monkeypatch):
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: elsewhere)
    found = machine.name(case_at(tmp_path / "site", domain="lab.example"))
    assert "lab.example is 203.0.113.7: another machine" in found.found
    assert found.commands[0].endswith("lab.example >> /etc/hosts")


def test_a_resolver_that_hangs_holds_nobody_up(case, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: never.wait())
    monkeypatch.setattr(machine, "_RESOLVER_PATIENCE", 0.05)
    assert "the resolver has no answer" in machine.name(case).found


def test_networks_that_leave_this_machines_own_out_are_told(tmp_path):
    if verdict(machine.networks, case_at(tmp_path / "site")) == "warn":
        pytest.skip("this machine has no network but its loopback")
    found = machine.networks(case_at(tmp_path / "site", networks=("198.51.100.0/24",)))
    assert found.verdict == "warn"
    assert 'networks = ["198.51.100.0/24", "' in found.advice


def test_more_sessions_than_files_are_told(tmp_path):
    many = Limits(sessions=10**12)
    for server in (Server(), Server(FACTS)):
        found = machine.open_files(case_at(tmp_path / "site", server, limits=many))
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] == resource.RLIM_INFINITY:
            pytest.skip("files are not limited here")
        assert found.verdict == "warn"
    few = case_at(tmp_path / "site", limits=Limits(sessions=1))
    assert verdict(machine.open_files, few) == "ok"


def test_a_server_of_another_version_wants_a_restart(case):
    assert verdict(machine.versions, case) == "ok"
    older = replace(case, server=Server(replace(FACTS, version="0.0.1")))
    found = machine.versions(older)
    assert "the server runs 0.0.1" in found.found
    assert found.commands == (f"kill {os.getpid()}",)


# The ports.


@pytest.fixture
def held(monkeypatch):
    """Two ports in the place of 25 and 110: this process listens on the first."""
    with socket.socket() as listener, socket.socket() as free:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        free.bind(("127.0.0.1", 0))
        numbers = (listener.getsockname()[1], free.getsockname()[1])
        monkeypatch.setattr(ports, "LOW_PORTS", numbers)
        yield numbers


def test_the_program_that_has_a_port_is_named(case, held):
    found = ports.who_listens(case)
    assert found.verdict == "warn"
    assert f"{held[1]} is free; {held[0]} is held by" in found.found
    assert f"(process {os.getpid()})" in found.found
    assert f"kill {os.getpid()}" in found.commands[0] or "systemctl" in found.commands[0]
    assert found.commands[-1].endswith("--high-ports")


def test_the_servers_own_ports_are_no_trouble(case, held):
    facts = replace(FACTS, ports=(PortSeen("SMTP", "::", held[0]),))
    found = ports.who_listens(replace(case, server=Server(facts)))
    assert found.found == f"{held[0]} is the server's; {held[1]} is free"
    assert found.verdict == "ok"


def test_whoever_may_not_bind_low_ports_hears_the_ways_out(case):
    """Tried in a process that has given root up, where the tests run as root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        found = ports.may_bind(case)
        os.write(writer, "\n".join([found.verdict, found.found, *found.commands]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as said:
        verdict, found, *ways = said.read().splitlines()
    if verdict == "ok":
        pytest.skip(f"an ordinary user may here: {found}")
    assert "may not bind 25 and 110" in found
    assert any("--high-ports" in each for each in ways)
    assert any("sysctl -w net.ipv4.ip_unprivileged_port_start=25" in each for each in ways)
    assert all("beware" in each for each in ways if "setcap" in each)


@pytest.mark.skipif(os.geteuid() != 0, reason="binds low ports: run it as root")
def test_root_may_bind_them(case):
    assert verdict(ports.may_bind, case) == "ok"


# The server.


def test_no_server_is_told_with_the_command_that_starts_it(case):
    found = running.server(case)
    assert found.verdict == "warn"
    assert found.commands[0].endswith(f"tpmail --site {case.desk.folder}")
    assert verdict(running.round_trip, case) == "warn"


def test_a_process_that_has_the_site_and_cannot_be_asked_is_bad(case):
    lock = SiteLock(case.desk.folder / "locks")
    assert lock.acquire()
    try:
        # The lock is asked for by another process, as ever: this one knows that it is its own.
        assert f"process {os.getpid()} has the site" in running.server(case).found
    finally:
        lock.release()
    assert verdict(running.server, case) == "warn"


def test_a_stopped_server_is_told_with_what_wakes_it(case):
    found = running.server(replace(case, server=Server(trouble="silent", stopped_pid=4711)))
    assert (found.verdict, found.commands) == ("bad", ("kill -CONT 4711",))
    assert verdict(running.server, replace(case, server=Server(trouble="silent"))) == "bad"


def test_what_is_frozen_is_told_with_what_thaws_it(case):
    frozen = replace(FACTS, frozen=(FrozenSeen("SMTP", 0.0),))
    case = replace(case, server=Server(frozen), round_trip=lambda: RoundTrip(0.1, "", ""))
    found = running.server(case)
    assert found.verdict == "warn"
    assert found.commands[0].endswith("thaw smtp")
    assert "not tried" in running.round_trip(case).found


def test_a_mail_that_does_not_come_through_is_bad(case):
    case = replace(case, server=Server(FACTS))
    through = replace(case, round_trip=lambda: RoundTrip(0.05, "a", "b"))
    assert "whole in 50 ms" in running.round_trip(through).found
    stuck = replace(case, round_trip=lambda: RoundTrip(0.05, "a", "b", "SMTP said 451 no"))
    assert verdict(running.round_trip, stuck) == "bad"
