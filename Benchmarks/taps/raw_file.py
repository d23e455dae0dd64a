"""The least that keeping gradients can cost: their bytes copied once, and written once by a thread of its own."""

import os
import queue
import threading

import numpy

MEMORY = 256 << 20
"""Bytes of copies that may wait to be written, as many as gradlog has by default."""


class RawFile:
    """Appends the bytes of gradients to a file: no names, no statistics, no transaction, no wait for the disk.

    The copy is one `memcpy` for each gradient into memory that is used again; the thread calls `write`, for which Python lets
    the training go on.
    """

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._free, self._full = queue.SimpleQueue(), queue.SimpleQueue()
        self._allocated = 0
        self._failure = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def append(self, gradients):
        """Takes the gradients of a batch, a sequence of arrays; what they hold is copied before this returns."""
        arrays = [numpy.asarray(gradient) for gradient in gradients]
        buffer = self._buffer(sum(array.nbytes for array in arrays))
        begin = 0
        for array in arrays:
            end = begin + array.nbytes
            numpy.copyto(buffer[begin:end].view(array.dtype).reshape(array.shape), array)
            begin = end
        self._full.put(buffer)

    def close(self):
        """Waits until everything is written."""
        self._full.put(None)
        self._thread.join()
        os.close(self._file)
        if self._failure is not None:
            raise self._failure

    def _buffer(self, size):
        try:
            return self._free.get_nowait()
        except queue.Empty:
            if self._allocated and self._allocated + size > MEMORY:
                return self._free.get()
            self._allocated += size
            return numpy.zeros(size, numpy.uint8)

    def _write(self):
        while (buffer := self._full.get()) is not None:
            try:
                rest = memoryview(buffer)
                while len(rest):
                    # Larger pieces than a MiB are slower here.
                    rest = rest[os.write(self._file, rest[: 1 << 20]) :]
            except OSError as failure:
                self._failure = failure
            self._free.put(buffer)
