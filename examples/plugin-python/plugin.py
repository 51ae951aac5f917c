"""A plugin for clove in Python 3, with nothing but grpcio and protobuf: an echo server and a local port to a destination.

It keeps the contract of plugins/api/plugin.proto by hand. Calls of the host come in over gRPC (class Plugin), what the plugin
wants goes out over gRPC (host), and bytes go over plain unix sockets (redeem). There are a thread for each connection and
direction, and one for each listener.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
from concurrent import futures

parent = os.getppid()
COOKIE = "c10fe5a7-6d1e-4b0c-9d6c-7f3f3a1f0b52"

if os.environ.get("CLOVE_PLUGIN_COOKIE") != COOKIE:
    sys.exit(
        "This is a plugin for clove, with the tunnel types python-echo and python-client. It is not started by hand.\n"
        f"To register it:  clove plugin add {os.path.abspath(sys.argv[0])} --grant dial-i2p,listen-i2p,listen-local"
    )

import grpc  # noqa: E402
import plugin_pb2 as pb  # noqa: E402  made from plugin.proto by protoc

Code = grpc.StatusCode


class HostStub:
    """Calls of the service Host: host.Dial(pb.DialRequest(...))."""

    def __init__(self, path):
        self.channel = grpc.insecure_channel("unix:" + path)
        for m in pb.DESCRIPTOR.services_by_name["Host"].methods:
            make = self.channel.unary_stream if m.name == "Accept" else self.channel.unary_unary
            setattr(self, m.name, make(
                f"/clove.plugin.v1.Host/{m.name}",
                request_serializer=getattr(pb, m.input_type.name).SerializeToString,
                response_deserializer=getattr(pb, m.output_type.name).FromString,
            ))


def redeem(ticket):
    """A ticket becomes a stream: a socket."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["CLOVE_PLUGIN_DATA"])
    s.sendall(b"CLVP\x01\0\0\0" + ticket)
    return s


def copy(src, dst):
    """Until src ends; then dst's writing direction ends, and the other one goes on."""
    try:
        while data := src.recv(16384):
            dst.sendall(data)
        dst.shutdown(socket.SHUT_WR)
    except OSError:
        for s in (src, dst):
            hang_up(s)


def hang_up(s):
    """Wakes whoever reads or writes s; close alone does not."""
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Tunnel:
    def __init__(self, name, settings):
        self.name, self.settings = name, settings
        self.lock = threading.Condition()
        self.open = set()  # streams
        self.accepting = []  # Accept calls
        self.stopped = False
        self.streams = 0

    def start(self):
        raise NotImplementedError

    def handle(self, stream):
        raise NotImplementedError

    def listen(self, listener):
        """Accepts in the background. Each connection has a thread."""
        calls = host.Accept(pb.AcceptRequest(tunnel=self.name, id=listener.id))
        self.accepting.append(calls)

        def loop():
            try:
                for accepted in calls:
                    try:
                        stream = self.add(redeem(accepted.ticket))
                    except OSError:
                        continue
                    threading.Thread(target=self.serve, args=(stream,), daemon=True).start()
            except grpc.RpcError:
                pass  # drained or stopped

        threading.Thread(target=loop, daemon=True).start()

    def serve(self, stream):
        try:
            self.handle(stream)
        except (OSError, grpc.RpcError) as e:
            text = e.details() if isinstance(e, grpc.RpcError) else str(e)
            self.log(pb.DEBUG, f"connection ended: {text}")
        finally:
            self.remove(stream)

    def add(self, stream):
        with self.lock:
            self.streams += 1
            self.open.add(stream)
            stopped = self.stopped
        if stopped:
            self.remove(stream)
            raise ConnectionAbortedError("the tunnel has ended")
        return stream

    def remove(self, stream):
        stream.close()
        with self.lock:
            self.open.discard(stream)
            self.lock.notify_all()

    def drain(self, seconds):
        """Returns how many streams are left."""
        for call in self.accepting:
            call.cancel()
        with self.lock:
            self.lock.wait_for(lambda: not self.open, seconds)
            return len(self.open)

    def stop(self):
        with self.lock:
            self.stopped = True
            streams = list(self.open)
        for call in self.accepting:
            call.cancel()
        for s in streams:
            hang_up(s)

    def log(self, level, text):
        host.Log.future(pb.LogRequest(tunnel=self.name, level=level, text=text))


class Echo(Tunnel):
    def start(self):
        self.listen(host.Listen(pb.ListenRequest(tunnel=self.name, port=self.settings["port"])))

    def handle(self, stream):
        copy(stream, stream)


class Client(Tunnel):
    def start(self):
        self.listen(host.ListenLocal(pb.ListenLocalRequest(tunnel=self.name, address=self.settings["listen"])))

    def handle(self, stream):
        address = self.settings["destination"]
        answer = host.Dial(pb.DialRequest(tunnel=self.name, address=address if ":" in address else address + ":0"))
        far = self.add(redeem(answer.ticket))
        try:
            back = threading.Thread(target=copy, args=(far, stream), daemon=True)
            back.start()
            copy(stream, far)
            back.join()
        finally:
            self.remove(far)


def setting(key, type, python, help, kind=pb.PLAIN, required=False, default=None):
    s = pb.Setting(key=key, type=type, kind=kind, required=required, help=help)
    if default is not None:
        s.default_json = json.dumps(default)
    return key, (s, python, default)


TYPES = {
    "python-echo": (Echo, pb.SERVER, "echo", "a destination that echoes", dict([
        setting("port", pb.INTEGER, int, "I2P port; 0 is all", default=0),
    ])),
    "python-client": (Client, pb.CLIENT, "raw", "a local port that leads to a destination", dict([
        setting("listen", pb.STRING, str, "local address to listen on", pb.LISTEN_ADDRESS, default="127.0.0.1:4455"),
        setting("destination", pb.STRING, str, "name.i2p:port", pb.I2P_ADDRESS, required=True),
    ])),
}


def check(type, raw):
    """Settings with defaults, and what is wrong with them: pairs of key and text."""
    schema = TYPES[type][4]
    try:
        given = json.loads(raw or b"{}")
        if not isinstance(given, dict):
            raise ValueError
    except ValueError:
        return {}, [("", "the settings are not a JSON object")]
    problems = [(key, "is no setting of this tunnel type; there are: " + ", ".join(schema)) for key in given if key not in schema]
    settings = {}
    for key, (s, python, default) in schema.items():
        value = given.get(key, default)
        if value in (None, "") and s.required:
            problems.append((key, f"is required: {s.help}"))
        elif value is not None and (not isinstance(value, python) or isinstance(value, bool)):
            problems.append((key, f"want {'a whole number' if python is int else 'text'}"))
        settings[key] = value
    return settings, problems


class Plugin:
    """The service Plugin: one method for each call."""

    def __init__(self):
        self.tunnels, self.lock = {}, threading.Lock()

    def type(self, name, context):
        if name not in TYPES:
            context.abort(Code.INVALID_ARGUMENT, f"this plugin has no tunnel type {name!r}")
        return TYPES[name]

    def tunnel(self, name, context):
        with self.lock:
            if name in self.tunnels:
                return self.tunnels[name]
        context.abort(Code.NOT_FOUND, f"there is no tunnel {name!r} here")

    def Describe(self, request, context):
        return pb.Description(
            name="python", version="1.0.0", summary="An example in Python: echo and client.",
            permissions=[pb.DIAL_I2P, pb.LISTEN_I2P, pb.LISTEN_LOCAL],
            types=[
                pb.TunnelType(name=name, summary=summary, destination=kind, protocol=protocol, settings=[s for s, _, _ in schema.values()])
                for name, (_, kind, protocol, summary, schema) in TYPES.items()
            ],
        )

    def Validate(self, request, context):
        self.type(request.type, context)
        _, problems = check(request.type, request.settings)
        return pb.ValidateResponse(problems=[pb.Problem(key=key, text=text) for key, text in problems])

    def Start(self, request, context):
        make = self.type(request.type, context)[0]
        settings, problems = check(request.type, request.settings)
        if problems:
            context.abort(Code.INVALID_ARGUMENT, "; ".join(f"{key}: {text}" for key, text in problems))
        tunnel = make(request.tunnel, settings)
        with self.lock:
            taken = request.tunnel in self.tunnels
            if not taken:
                self.tunnels[request.tunnel] = tunnel
        if taken:
            context.abort(Code.ALREADY_EXISTS, f"tunnel {request.tunnel!r} runs here already: stop it first")
        try:
            tunnel.start()
        except grpc.RpcError as e:  # the host's own words say what is missing
            tunnel.stop()
            with self.lock:
                del self.tunnels[request.tunnel]
            context.abort(e.code(), e.details())
        return pb.StartResponse()

    def Reload(self, request, context):
        self.tunnel(request.tunnel, context)
        return pb.ReloadResponse(applied=False)  # stop and start me

    def Drain(self, request, context):
        return pb.DrainResponse(open=self.tunnel(request.tunnel, context).drain(request.deadline_ms / 1000))

    def Stop(self, request, context):
        tunnel = self.tunnel(request.tunnel, context)
        with self.lock:
            self.tunnels.pop(request.tunnel, None)
        tunnel.stop()
        return pb.StopResponse()

    def Health(self, request, context):
        if request.tunnel:
            self.tunnel(request.tunnel, context)
        return pb.HealthResponse(state=pb.HEALTHY)

    def Metrics(self, request, context):
        t = self.tunnel(request.tunnel, context)
        return pb.MetricsResponse(metrics=[
            pb.Metric(name="streams", value=t.streams, help="streams so far"),
            pb.Metric(name="open", value=len(t.open), gauge=True, help="streams that are open"),
        ])


def serve():
    # Drain waits in its thread, so there are more of them than tunnels that drain at a time.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64))
    plugin = Plugin()
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("clove.plugin.v1.Plugin", {
            m.name: grpc.unary_unary_rpc_method_handler(
                getattr(plugin, m.name),
                request_deserializer=getattr(pb, m.input_type.name).FromString,
                response_serializer=getattr(pb, m.output_type.name).SerializeToString,
            ) for m in pb.DESCRIPTOR.services_by_name["Plugin"].methods
        }),
        # go-plugin asks the health service. Its answer, SERVING, has these two bytes.
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01"),
        }),
        # It may also ask the process to end, and kills one that does not after a while.
        grpc.method_handlers_generic_handler("plugin.GRPCController", {
            "Shutdown": grpc.unary_unary_rpc_method_handler(lambda request, context: threading.Timer(0.1, os._exit, [0]).start() or b""),
        }),
    ))
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp()
    path = os.path.join(folder, "python.sock")
    server.add_insecure_port("unix:" + path)
    server.start()
    print(f"1|1|unix|{path}|grpc", flush=True)
    return server  # it ends with the last reference to it


def end_with_host():
    """The process ends when the host's socket or the parent process is gone."""
    while os.path.exists(os.environ["CLOVE_PLUGIN_HOST"]) and os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


host = HostStub(os.environ["CLOVE_PLUGIN_HOST"])
server = serve()
end_with_host()
