"""The n-th call fails: for all n of a start, a session and a reload.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import signal
import time

from faults import (ACCEPT_, ALLOC, ANYBODY, CONTINUE, EPOLL, EVENTFD, FAILURES, FOREVER, GONE, GOOD, HEADERS,
                    INTERNAL, LIBMILTER, OPEN, OURS, PIPE, SEND, SOCKET, THREAD, WRITE, Daemon, Late, MilterClient,
                    Silence, check_served, check_served_soon, check_spared, need_plain, play, some, together)


def starts(functions, caller, most, codes, error=0):
    """Lets each call of a start fail; what then runs must serve. (runs, codes seen)"""
    need_plain(functions, caller)
    with Daemon() as daemon:
        daemon.state.arm(functions, caller)
        daemon.start()
        count = daemon.state.disarm()
    assert count > 0, "nothing was counted"
    seen = {}
    for n in some(count, most):
        daemon = Daemon()
        daemon.state.arm(functions, caller, n, error=error)
        daemon.start(wait=False)
        code = None
        try:
            if daemon.settled():
                daemon.state.disarm()
                (check_served_soon if caller == LIBMILTER else check_served)(daemon)
            else:
                code = daemon.process.returncode
                assert code in codes, "call %d: exit code %d:\n%s" % (n, code, daemon.log())
                assert daemon.log().strip(), "call %d: not a word on why it ended" % n
                assert not os.path.exists(daemon.socket), "call %d: the socket was left" % n
        finally:
            daemon.end(code=None)
        seen[code] = seen.get(code, 0) + 1
    return "%d of %d calls: %s" % (sum(seen.values()), count, ", ".join(
        "%d %s" % (times, "ran" if code is None else "ended %d" % code) for code, times in sorted(
            seen.items(), key=str)))


def sessions(functions, caller, most, error=0, gone=False, times=1, sure=True):
    """Lets each call of a session fail; the good client is spared, and then all is as before."""
    need_plain(functions, caller)
    with Daemon() as daemon:
        daemon.start()
        for _ in range(3):
            check_served(daemon)
        for macros in (True, False):  # the few names that a server has are kept
            for connect in (True, False):
                play(daemon, macros=macros, connect=connect)
        blocks, descriptors = daemon.blocks(-1, 0.3), daemon.descriptors(0, 0.1)
        daemon.state.arm(functions, caller)
        check_spared(*play(daemon))
        count = daemon.state.disarm()
        assert count > 0 or not sure, "nothing was counted"
        runs = some(count + 2, most)
        for n in runs:
            daemon.state.arm(functions, caller, n, times, error)
            letters, fields = play(daemon)
            daemon.state.disarm()
            assert daemon.alive(), "call %d: it died:\n%s" % (n, daemon.log()[-3000:])
            check_spared(letters, fields, gone, "call %d:\n%s" % (n, daemon.log()[-3000:]))
            assert daemon.blocks(blocks) == blocks, "call %d: %d blocks are held, %d before" % (
                n, daemon.blocks(blocks), blocks)
        check_served(daemon)
        assert daemon.descriptors(descriptors) <= descriptors, "descriptors were left open"
    return "%d of %d calls" % (len(runs), count)


# ---- memory ----

def test_E4_memory_at_start():
    return starts(ALLOC, OURS, 40, (INTERNAL,))


def test_E4_memory_in_a_session():
    return sessions(ALLOC, OURS, 60)


def test_E4_memory_is_gone_in_a_session():
    return sessions(ALLOC, OURS, 30, times=FOREVER)


def test_E4_memory_at_reload():
    need_plain(ALLOC, OURS)
    with Daemon() as daemon:
        daemon.start()

        def reload():
            since = len(daemon.log())
            os.utime(daemon.path("zone"))
            daemon.process.send_signal(signal.SIGUSR1)
            daemon.wait_log(r"reloaded|reload failed", since)
        for _ in range(2):
            reload()
        check_served(daemon)
        blocks = daemon.blocks(-1, 0.5)
        daemon.state.arm(ALLOC, OURS)
        reload()
        count = daemon.state.disarm()
        runs = some(count, 40)
        for n in runs:
            since = len(daemon.log())
            daemon.state.arm(ALLOC, OURS, n)
            os.utime(daemon.path("zone"))
            daemon.process.send_signal(signal.SIGUSR1)
            end = time.monotonic() + 5
            while not daemon.state.get("failed") and "reload" not in daemon.log()[since:]:
                assert time.monotonic() < end, "call %d was not reached" % n
                time.sleep(0.001)
            daemon.state.disarm()
            check_spared(*play(daemon))
            assert daemon.alive(), "call %d: it died" % n
            reload()
            assert daemon.blocks(blocks) == blocks, "call %d: %d blocks are held, %d before\n%s" % (
                n, daemon.blocks(blocks), blocks, daemon.log()[since:])
        check_served(daemon)
    return "%d of %d calls" % (len(runs), count)


def test_E5_memory_of_libmilter_in_a_session():
    return sessions(ALLOC, LIBMILTER, 60, gone=True)


def test_E5_memory_of_libmilter_at_start():
    return starts(ALLOC, LIBMILTER, 20, (INTERNAL, 69))


def test_E5_no_memory_for_libmilter_for_a_while():
    need_plain(ALLOC, LIBMILTER)
    daemon = Daemon()
    daemon.start()
    daemon.state.arm(ALLOC, LIBMILTER, 1, FOREVER)
    for _ in range(3):
        check_spared(*play(daemon, timeout=1), gone=True)
        if not daemon.alive():
            break
    daemon.state.disarm()
    ended = not daemon.alive()
    if not ended:
        check_served_soon(daemon)
    daemon.end(code=INTERNAL if ended else 0)
    return "ended 70" if ended else "ran"


# ---- clients that leave ----

def leave(daemon, client):
    """A client that goes when its questions are out."""
    with MilterClient(daemon.socket, timeout=5) as milter:
        milter.negotiate()
        milter.macros("C", {"j": "mx.example.org"})
        milter.connect(client)
        milter.helo("x%s.example" % client)
        milter.sock.close()


def blocks_after(daemon, server, wanted=None):
    """Blocks held when the questions of those who left are answered: when they are as many as
    wanted, or else when they have not changed for a second."""
    count, since = daemon.state.get("blocks"), time.monotonic()
    end = since + 15
    while time.monotonic() < end and count != wanted:
        server.deny()
        time.sleep(0.01)
        if daemon.state.get("blocks") != count:
            count, since = daemon.state.get("blocks"), time.monotonic()
        elif wanted is None and time.monotonic() > since + 1:
            break
    return count


def test_A14_nothing_is_left_of_clients_that_leave():
    """Their questions go on without them; the answers find nobody, and then nothing is held."""
    need_plain(ALLOC, OURS)
    server = Late()
    with server as port, Daemon(zone=False, forward=port, resolver="deadline = 4000") as daemon:
        daemon.start()
        leave(daemon, "198.51.100.1")
        before = blocks_after(daemon, server)
        for at in range(6):
            leave(daemon, "203.0.%d.7" % at)
        assert daemon.state.get("blocks") > before, "they left nothing open: nothing was tested"
        left = blocks_after(daemon, server, before)
        assert left == before, "%d blocks are held, %d before" % (left, before)


# ---- threads ----

def test_E6_threads_at_start():
    return starts(THREAD, ANYBODY, 20, (INTERNAL,))


def test_E6_threads_while_many_wait():
    """Sessions that wait for a silent server make libmilter start threads."""
    with Silence() as port, Daemon(resolver='deadline = 800', zone=False, forward=port) as daemon:
        daemon.start()
        for first, times in ((0, 1), (1, 1), (1, FOREVER)):
            daemon.state.arm(THREAD, ANYBODY, first, times)
            results = together(12, lambda: play(daemon, messages=1, timeout=3))
            failed = daemon.state.get("failed")
            daemon.state.disarm()
            assert (failed > 0) == (first > 0), "%d calls failed" % failed
            lost = sum(GONE in letters for letters, _ in results)
            for letters, fields in results:
                check_spared(letters, fields, gone=True, log=daemon.log()[-2000:])
            assert lost <= failed, "%d sessions lost by %d failures" % (lost, failed)
            assert daemon.alive()
            check_spared(*play(daemon, messages=1))


def test_E6_no_thread_at_reload():
    with Daemon() as daemon:
        daemon.start()
        since = len(daemon.log())
        daemon.state.arm(THREAD, OURS, 1, FOREVER)
        daemon.zone("; another\n" + open(daemon.path("zone"), encoding="ascii").read())
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_log("reload failed; keeping the previous settings: cannot start a resolver thread", since)
        daemon.state.disarm()
        check_served(daemon)


# ---- descriptors and writing ----

def test_accept_in_a_session():
    return sessions(ACCEPT_, LIBMILTER, 20)


def test_accept_aborted():
    return sessions(ACCEPT_, LIBMILTER, 20, error=103)


def test_E1_no_connection_is_accepted_for_a_while():
    """libmilter tries again and again; with the first descriptor that is free it serves."""
    need_plain(ACCEPT_, LIBMILTER)
    with Daemon() as daemon:
        daemon.start()
        daemon.state.arm(ACCEPT_, LIBMILTER, 1, FOREVER)
        letters, _ = play(daemon, timeout=1)
        assert letters == [GONE], letters
        assert daemon.state.get("failed") > 20 and daemon.alive()
        daemon.state.disarm()
        check_served(daemon)


def test_write_by_us():
    return sessions(WRITE, OURS, 20)


def test_write_of_a_reply():
    return sessions(SEND, LIBMILTER, 30, gone=True)


def change_headers(daemon):
    """Two messages with forged fields: of each (letter of the reply, fields put in, fields deleted)."""
    seen = []
    try:
        with MilterClient(daemon.socket, timeout=12) as milter:
            milter.negotiate()
            milter.macros("C", {"j": "mx.example.org"})
            for step in (lambda: milter.connect(GOOD), lambda: milter.helo("mail.shop.example")):
                step()
            for _ in range(2):
                milter.mail()
                milter.rcpt()
                try:
                    letter = milter.message(HEADERS).letter
                except OSError:
                    letter = GONE
                seen.append((letter, milter.inserted(), milter.changed()))
    except OSError:
        pass
    return seen


def test_C15_a_change_cannot_be_sent():
    """Whatever call fails: no field of ours comes where a forged one may have been left, the log
    says so, and the next message is served."""
    need_plain(SEND, LIBMILTER)
    told = 0
    with Daemon() as daemon:
        daemon.start()
        check_served(daemon)
        daemon.state.arm(SEND, LIBMILTER)
        assert [(one, len(put), len(gone)) for one, put, gone in change_headers(daemon)] == [(CONTINUE, 2, 2)] * 2
        count = daemon.state.disarm()
        for n in range(1, count + 1):
            since = len(daemon.log())
            daemon.state.arm(SEND, LIBMILTER, n)
            seen = change_headers(daemon)
            assert daemon.state.disarm() >= n and daemon.alive(), "call %d" % n
            for _, put, gone in seen:
                assert not put or len(gone) == 2, "call %d: %r stands beside a forged field: %r" % (n, put, gone)
            if any(len(gone) < 2 for letter, _, gone in seen if letter == CONTINUE):
                daemon.wait_log("refused a header change|closed the connection at the end", since)
                told += 1
            check_served(daemon)
    assert told >= 2, "no change has failed"
    return "%d calls, %d of them changes" % (count, told)


def test_eventfd_at_start():
    return starts(EVENTFD, ANYBODY, 10, (INTERNAL,))


def test_eventfd_at_reload():
    with Daemon() as daemon:
        daemon.start()
        since = len(daemon.log())
        daemon.state.arm(EVENTFD, OURS, 1)
        daemon.zone("; another\n" + open(daemon.path("zone"), encoding="ascii").read())
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_log("reload failed; keeping the previous settings: cannot make an event loop", since)
        daemon.state.disarm()
        check_served(daemon)


def test_sockets_at_start():
    return starts(SOCKET | EPOLL | PIPE, ANYBODY, 30, FAILURES)


def test_sockets_in_a_session():
    return sessions(SOCKET | EPOLL | PIPE, ANYBODY, 30, gone=True, sure=False)


def test_files_at_start():
    return starts(OPEN, OURS, 20, FAILURES)


def test_E3_no_socket_for_dns():
    """libunbound finds no descriptor for a question: temperror, and the daemon goes on."""
    with Daemon(zone=False) as daemon:
        daemon.start()
        for n in (1, 2, 5):
            daemon.state.arm(SOCKET, ANYBODY, n, FOREVER)
            letters, fields = play(daemon, messages=1)
            daemon.state.disarm()
            check_spared(letters, fields, log=daemon.log())
            assert GONE not in letters and any("iprev=temperror" in value for _, _, value in fields), fields
            assert daemon.alive()
