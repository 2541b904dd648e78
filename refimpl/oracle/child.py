"""A program beside this one that answers a line with a line: started, asked, and ended, whatever it does.

Three threads serve its pipes, so that a program which does not read, or writes without end, stops itself and not us.
What it writes waits in a queue of bounded length, a line has a largest length, and of its standard error the end is
kept.
"""

import os
import shlex
import signal
import subprocess
import time
from queue import Empty, Queue
from threading import Thread

CHUNK = 2**16  # bytes read at once
WAITING = 16  # chunks that wait to be looked at
LONGEST = 2**20  # bytes of a line; no answer to a case has a tenth of them
TAIL = 2**12  # bytes of standard error that are kept
GRACE = 1.0  # seconds to end by itself
HEARING = 0.25  # seconds after which an interrupt is heard that another thread than the waiting one received


class Broken(Exception):
    """The program did not answer with a line; the message says what it did instead."""


class Child:
    """A running program. Raises OSError if there is no such program."""

    def __init__(self, words: list[str]) -> None:
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # so that what it starts itself can be ended with it
        )
        self._requests: Queue[bytes | None] = Queue()
        self._chunks: Queue[bytes] = Queue(WAITING)
        self._unread, self._errors = bytearray(), b""
        self._threads = [Thread(target=serve, daemon=True) for serve in (self._write, self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def ask(self, request: bytes, seconds: float) -> bytes:
        """The line that the program answers to this one. Raises Broken if there is none in so many seconds."""
        self._requests.put(request + b"\n")
        deadline, searched = time.monotonic() + seconds, 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > LONGEST:
                raise Broken(f"wrote more than {LONGEST} bytes without a new line")
            self._unread += self._chunk(deadline, seconds)
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def stop(self, grace: float = 0.0) -> None:
        """End the program, by the end of its input if that does it in time, and all that it has started."""
        self._requests.put(None)
        if not self._exited(grace) or not self._joined(GRACE / 10):
            self._kill()
        self._exited(10 * GRACE)
        if self._joined(GRACE):  # otherwise somebody else holds the pipes, and the threads wait with them
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                assert pipe is not None
                pipe.close()

    def complaint(self) -> str:
        """The end of what it wrote to its standard error."""
        self._threads[2].join(GRACE if self.process.poll() is not None else 0.0)
        return self._errors.decode("utf-8", errors="replace")

    def _chunk(self, deadline: float, seconds: float) -> bytes:
        chunk = self._next(deadline)
        if chunk is None:
            raise Broken(self._death() if self._exited(0.0) else self._silence(seconds))
        if not chunk:
            raise Broken(self._death() if self._exited(GRACE) else "closed its standard output")
        return chunk

    def _next(self, deadline: float) -> bytes | None:
        """The next chunk, or None if none comes in time. It waits in short pieces: Python acts on a signal only where
        the main thread runs, and the signal that another thread receives does not wake it."""
        while True:
            rest = max(0.0, deadline - time.monotonic())
            try:
                return self._chunks.get(timeout=min(rest, HEARING))
            except Empty:
                if rest <= HEARING:
                    return None

    def _silence(self, seconds: float) -> str:
        if self._unread:
            return f"wrote {len(self._unread)} bytes and no new line in {seconds:g} seconds"
        return f"did not answer within {seconds:g} seconds; it must flush its output after every line"

    def _death(self) -> str:
        code = self.process.returncode
        if code >= 0:
            return f"ended with exit status {code}"
        names = {number.value: number.name for number in signal.Signals}
        return f"was ended by {names.get(-code, f'signal {-code}')}"

    def _exited(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _kill(self) -> None:
        try:
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except (ProcessLookupError, PermissionError):  # nobody is left, or nobody of ours
            pass

    def _joined(self, seconds: float) -> bool:
        """Whether the threads have ended; what waits to be looked at is thrown away, so that they can."""
        deadline = time.monotonic() + seconds
        while alive := [thread for thread in self._threads if thread.is_alive()]:
            while not self._chunks.empty():
                self._chunks.get()
            if time.monotonic() > deadline:
                return False
            alive[0].join(0.005)
        return True

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            while (request := self._requests.get()) is not None:
                rest = memoryview(request)
                while rest:
                    rest = rest[os.write(self.process.stdin.fileno(), rest) :]
        except OSError:  # it has closed its input, or ended
            pass
        self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := os.read(self.process.stdout.fileno(), CHUNK):
            self._chunks.put(chunk)
        self._chunks.put(b"")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        while chunk := os.read(self.process.stderr.fileno(), CHUNK):
            self._errors = (self._errors + chunk)[-TAIL:]


def split(command: str) -> list[str]:
    """The words of a command, as a shell reads them. Raises ValueError where there are none, or a quotation is open."""
    try:
        words = shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise ValueError(f"--exec is {command!r}, which cannot be read: {error}") from None
    if not words:
        raise ValueError("--exec is empty; it needs a program and its arguments")
    return words
