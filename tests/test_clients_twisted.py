"""Twisted's own mail clients, which share nothing with this server but the reactor."""

from io import BytesIO

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.mail.pop3 import AdvancedPOP3Client, ServerErrorResponse
from twisted.mail.smtp import ESMTPSenderFactory, SMTPClientError, sendmail
from twisted.python.failure import Failure

from .faults import DOMAIN
from .process import HOST, PATIENCE, Account, ServerProcess

# Lines end in LF here: these clients put a CR before every LF, of a CRLF too.
MESSAGE = b"Subject: twisted\n\n.\n..two\nthe end\n"


# SMTP


@pytest_twisted.ensureDeferred
async def test_sendmail(server: ServerProcess, student: Account) -> None:
    accepted, answers = await sendmail(
        HOST, student.address, [student.address, f"nobody@{DOMAIN}"], MESSAGE, port=server.smtp
    )
    assert accepted == 1
    assert [(who, code) for who, code, _ in answers] == [
        (student.address.encode(), 250),
        (f"nobody@{DOMAIN}".encode(), 550),
    ]
    assert student.mail() == [MESSAGE]


@pytest_twisted.ensureDeferred
async def test_esmtp_sender_logs_in(server: ServerProcess, student: Account) -> None:
    await esmtp_sender(server, student, student.number)
    assert student.mail() == [MESSAGE]
    assert b"ESMTPA id" in student.stored()[0]


@pytest_twisted.ensureDeferred
async def test_esmtp_sender_with_a_wrong_password(server: ServerProcess, student: Account) -> None:
    with pytest.raises(SMTPClientError):
        await esmtp_sender(server, student, "wrong")
    assert student.mail() == []


async def esmtp_sender(server: ServerProcess, student: Account, password: str) -> None:
    done: Deferred[object] = Deferred()
    factory = ESMTPSenderFactory(
        student.number.encode(),
        password.encode(),
        student.address,
        student.address,
        BytesIO(MESSAGE),
        done,
        retries=0,
        requireTransportSecurity=False,
        hostname="mypc",
    )
    reactor.connectTCP(HOST, server.smtp, factory)
    await done


# POP3


class Pop3Client(AdvancedPOP3Client):
    """The client with a beginning and an end that can be waited for."""

    timeout = PATIENCE

    def __init__(self) -> None:
        self.greeted: Deferred[object] = Deferred()
        self.gone: Deferred[object] = Deferred()
        self.serverGreeting = self.greeted.callback
        self.allowInsecureLogin = True

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self.gone.callback(None)


async def pop3(server: ServerProcess) -> Pop3Client:
    client = Pop3Client()
    await connectProtocol(HostnameEndpoint(reactor, HOST, server.pop3), client)
    await client.greeted
    return client


@pytest_twisted.ensureDeferred
async def test_reading_and_deleting(server: ServerProcess, student: Account) -> None:
    server.deliver(student, MESSAGE, b"Subject: two\n\n2\n")
    client = await pop3(server)
    assert b"UIDL" in await client.capabilities()
    await client.login(student.number.encode(), student.number.encode())
    count, octets = await client.stat()
    assert count == 2
    assert sum(await client.listSize()) == octets
    assert len(set(await client.listUID())) == 2
    assert b"\n".join(await client.retrieve(0)) + b"\n" == student.stored()[0]
    assert (await client.retrieve(0, lines=1))[-2:] == [b"", b"."]
    await client.delete(0)
    await client.noop()
    await client.reset()
    await client.delete(1)
    await client.quit()
    await client.gone
    assert student.mail() == [MESSAGE]


@pytest_twisted.ensureDeferred
async def test_a_refused_login_and_a_message_that_is_not_there(
    server: ServerProcess, student: Account
) -> None:
    client = await pop3(server)
    with pytest.raises(ServerErrorResponse):
        await client.login(student.number.encode(), b"wrong")
    await client.login(student.number.encode(), student.number.encode())
    with pytest.raises(ServerErrorResponse):
        await client.retrieve(8)
    await client.quit()
    await client.gone
