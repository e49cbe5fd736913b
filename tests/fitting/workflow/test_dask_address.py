"""Whatever is at the address of a scheduler, the wait for it ends, with one line and before a run is touched."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run
from kinimmune.models.errors import UsageError

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

from kinimmune.fitting.workflow.dask_cluster import require_dask_cluster
from kinimmune.fitting.workflow.dask_connection import Patience

pytestmark = pytest.mark.slow
SHORT = Patience(connect=0.5)
ADVICE = r"; start one with 'dask scheduler' and give the address it prints$"
FOREIGN = "what listens there does not speak the language of Dask"
NOBODY = r"(connection refused|nothing within 0\.5 s)"


def draw(seed, size):
    return random.Random(seed).randbytes(size)


def frame(content):
    """Return bytes as one message of Dask's protocol with nothing in it that Dask would send."""
    return len(content).to_bytes(8, "little") + content


ANSWERS = {
    "nothing": (b"", r"nothing within 0\.5 s"),
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", FOREIGN),
    "SSH": (b"SSH-2.0-OpenSSH_9.9\r\n", FOREIGN),
    "zeros": (bytes(4096), FOREIGN),
    "ones": (b"\xff" * 4096, FOREIGN),
    "a short message": (frame(draw(1, 16)), FOREIGN),
    "a message without frames": (frame(bytes(8)) * 8, FOREIGN),
    **{f"bytes {seed}": (draw(seed, 4096), FOREIGN) for seed in range(2, 5)},
}


def answer(listener, content, connections):
    """Answer everybody with some bytes; with None hang up."""
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:  # the test is over
            return
        if content is None:
            connection.close()
            continue
        connection.sendall(content)
        connections.append(connection)


@pytest.fixture
def listen():
    """Return a function that gives the host and port of a listener, which answers everybody with some bytes."""
    listeners, threads, connections = [], [], []

    def begin(content):
        listener = socket.create_server(("127.0.0.1", 0))
        threads.append(threading.Thread(target=answer, args=(listener, content, connections)))
        threads[-1].start()
        listeners.append(listener)
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield begin
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()


def assert_refused(address, reason):
    before = set(threading.enumerate())
    told = f"^no Dask scheduler answers at '{re.escape(address[:200])}': {reason}{ADVICE}"
    with pytest.raises(UsageError, match=told):
        require_dask_cluster(address, SHORT)
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not any(name.startswith("connection") for name in left)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_scheduler_is_one_line_in_time(listen, name):
    content, reason = ANSWERS[name]
    assert_refused(f"tcp://{listen(content)}", reason)


def test_what_hangs_up_is_one_line(listen):
    assert_refused(f"tcp://{listen(None)}", rf"(what listens there hangs up|connection reset by peer|broken pipe|{NOBODY})")


@pytest.mark.parametrize("scheme", ["tls", "wss"])
def test_an_encrypted_connection_without_certificates_is_one_line(listen, scheme):
    assert_refused(
        f"{scheme}://{listen(b'')}", "Dask has no certificates for an encrypted connection; set distributed.comm.tls in .*"
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", NOBODY),
        ("tcp://127.0.0.1:1", NOBODY),
        ("ws://127.0.0.1:1", NOBODY),
        ("tcp://127.0.0.1:0", "port 0 lies outside 1 to 65535"),
        ("tcp://127.0.0.1:99999", "port 99999 lies outside 1 to 65535"),
        ("tcp://127.0.0.1:-1", "port -1 lies outside 1 to 65535"),
        ("tcp://127.0.0.1:x", "the port is no number; .*HOST:PORT"),
        ("", "missing port number in address ''; .*HOST:PORT"),
        ("nonsense", "missing port number in address 'nonsense'; .*HOST:PORT"),
        ("tcp://", "missing port number .*"),
        ("foo://x:1", "unknown address scheme 'foo' .*HOST:PORT"),
        ("unix:///tmp/socket", "unknown address scheme 'unix' .*HOST:PORT"),
        ("inproc://x", "don't know how to extract host and port .*HOST:PORT"),
        ("tcp://[::1", "invalid address .*needs brackets.*HOST:PORT"),
        ("a" * 300 + ":1", "that is no name of a host"),
    ],
)
def test_an_address_at_which_no_scheduler_can_be_is_one_line(address, reason):
    assert_refused(address, reason)


def test_a_connection_that_fails_writes_nothing_until_the_process_has_ended(listen):
    addresses = [f"tcp://{listen(content)}" for content in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", None)]
    program = (
        "import sys\n"
        "from kinimmune.fitting.workflow.dask_cluster import require_dask_cluster\n"
        "from kinimmune.fitting.workflow.dask_connection import Patience\n"
        "from kinimmune.models.errors import UsageError\n"
        "for address in sys.argv[1:]:\n"
        "    try: require_dask_cluster(address, Patience(connect=0.3))\n"
        "    except UsageError as error: print('refused')\n"
    )
    command = [sys.executable, "-c", program, *addresses, "tcp://127.0.0.1:1", "tls://127.0.0.1:1", "ucx://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stdout, done.stderr) == (0, 6 * "refused\n", "")


@pytest.mark.parametrize(
    "command",
    [
        ("fit", "hcc_trial", "-o", "run"),
        ("profile", "run"),
        ("sample", "run"),
        ("sensitivity", "hcc_mouse", "--method", "prcc", "--output", "state:tumour_volume:10", "-o", "run"),
        ("sensitivity", "run", "--method", "prcc", "--output", "hazard_ratio:sharp:os"),
    ],
)
def test_a_command_touches_no_run_before_a_scheduler_has_answered(kinimmune, tmp_path, command):
    record = RunRecord(("toy",), "hcc_trial", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})
    run = create_run(tmp_path / "run", record)
    run.write("results/tasks/start-000.json", "{}")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    code, out, err = kinimmune(*command, "--force", "--dask", "tls://127.0.0.1:1")

    assert (code, out) == (2, "")
    assert err.startswith("error: no Dask scheduler answers at 'tls://127.0.0.1:1': ")
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_while_a_scheduler_is_waited_for_has_its_code(kinimmune, tmp_path, number):
    def interrupt(listener):
        with listener.accept()[0]:
            os.kill(os.getpid(), number)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=interrupt, args=(listener,))
        thread.start()
        code, out, err = kinimmune("profile", "run", "--dask", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()

    assert (code, out, err) == (6, "", "error: interrupted\n")
    assert list(tmp_path.iterdir()) == []
