"""A network between devices and collector that can be cut: TCP on loopback, in a thread of its own."""

import asyncio
import threading


class Proxy:
    """Passes connections on to a port until cut(); then it breaks them and refuses new ones."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.bytes_up = 0    # from devices
        self.bytes_down = 0  # to devices
        self.connections = 0
        self._whole = True
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self):
        """Breaks every connection with a reset; new ones are accepted and broken at once."""
        self._run(self._set(False))

    def heal(self):
        self._run(self._set(True))

    def close(self):
        self.cut()
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _set(self, whole):
        self._whole = whole
        if not whole:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _stop(self):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        if not self._whole:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:  # the collector is down
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            await asyncio.gather(self._pump(reader, far_writer, True), self._pump(far_reader, writer, False))
        finally:
            self._writers -= both
            for each in both:
                each.transport.abort()

    async def _pump(self, reader, writer, up):
        try:
            while data := await reader.read(65536):
                if up:
                    self.bytes_up += len(data)
                else:
                    self.bytes_down += len(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):
            writer.transport.abort()
