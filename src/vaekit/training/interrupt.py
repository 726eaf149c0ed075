"""Ctrl-C and SIGTERM: a training saves and leaves; everything else just leaves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupted(BaseException):
    """The user asked the training to stop; not an error, so no `except Exception` may swallow it.

    Args:
        number: the signal that asked.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


class Interruptible:
    """Within it, a signal sets `requested` while `deferred`, and raises `Interrupted` otherwise.

    A second signal leaves at once, without saving: what is on disk is whole at any moment.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested = False
        self.number: int = signal.SIGINT
        self.deferred = False
        self.agree: Callable[..., bool] = lambda asked, *, now=False: asked
        """Maps what this process was asked to what any was; of several processes, all must leave at the same place."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def asked(self) -> bool:
        """Whether a signal came while it was deferred; of several processes, as of about a second ago."""
        return self.agree(self.requested)

    def raise_if_requested(self) -> None:
        """Leave now if a signal came while it was deferred."""
        if self.agree(self.requested, now=True):
            raise Interrupted(self.number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            os._exit(128 + number)
        if not self.deferred:
            raise Interrupted(number)
        self.requested, self.number = True, number
