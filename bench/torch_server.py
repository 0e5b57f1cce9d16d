"""PyTorch's end of the comparison: one JSON request a line on standard input, one reply a line on standard output."""
import json
import sys
import textwrap
import time

import torch

SAMPLE = 2048


class Engine:
    def setUp(self, message):
        torch.set_num_threads(message["threads"])
        source = "def step({}):\n{}".format(message["args"], textwrap.indent(message["body"].strip(), "    "))
        scope = {"torch": torch}
        exec(source, scope)
        self.program = scope["step"]
        arrays = [self.load(**a) for a in message["arrays"]]
        self.state = arrays[: message["states"]]
        self.inputs = arrays[message["states"] :]
        first = self.round(1)
        return {"first": first, "results": [self.sample(r) for r in self.results], "version": torch.__version__}

    @staticmethod
    def load(path, shape):
        size = 1
        for d in shape:
            size *= d
        return torch.from_file(path, size=size, dtype=torch.float32).clone().reshape(shape)

    @staticmethod
    def sample(result):
        flat = result.detach().reshape(-1)
        n = flat.numel()
        count = min(SAMPLE, n)
        return {"length": n, "values": [float(flat[(i * n) // count]) for i in range(count)]}

    def warm(self, ms):
        steps = 1
        begin = time.perf_counter()
        while True:
            per_step = self.round(steps)
            if (time.perf_counter() - begin) * 1e3 >= ms:
                return {"msPerStep": per_step}
            steps = max(1, min(steps * 4, int(ms / 4 / max(per_step, 1e-5))))

    def round(self, steps):
        begin = time.perf_counter()
        for _ in range(steps):
            self.results = self.program(*self.state, *self.inputs)
            if self.state:
                self.state = self.results[: len(self.state)]
        return (time.perf_counter() - begin) * 1e3 / steps


engine = Engine()
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {"result": getattr(engine, request["call"])(request["argument"])}
    except Exception as error:  # reported to the coordinator, which goes on with the next row
        reply = {"error": "{}: {}".format(type(error).__name__, error)}
    print(json.dumps(reply), flush=True)
