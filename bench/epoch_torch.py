"""PyTorch's part of bench/epoch.ts: trains for an epoch for each line that it reads, and writes the milliseconds."""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

features, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
x, y = torch.rand(9000, 1, 28, 28), torch.randint(0, 10, (9000,))
net = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, features, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.5), nn.Linear(25 * features, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), 2e-3)
for _ in sys.stdin:
    begin = time.perf_counter()
    order = torch.randperm(9000)
    for i in range(0, 9000, 128):
        rows = order[i : i + 128]
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    loss.item()
    print((time.perf_counter() - begin) * 1e3, flush=True)
