"""MF, RelMF, UMF and Biif in PyTorch eager, as its users write them: autograd, torch.optim.Adam.

    python torch_steps.py serve FOLDER THREADS ADAM     timing in float32; THREADS 0 leaves PyTorch's default
    python torch_steps.py agree FOLDER                  the first steps in float64

ADAM is "default", torch.optim.Adam as it comes, or "fused", its faster form that has to be asked for.
"""

import sys

import torch
import torch.nn.functional as F

import exchange
from exchange import DECAY, OUTER_RATE, RATE, Log

ADAM = {"default": None, "fused": True}


class Steps:
    def __init__(self, method, log, dtype, fused):
        def parameter(name):
            return torch.tensor(log.initial(name), dtype=dtype, requires_grad=True)

        self.method = method
        self.users, self.items = parameter("users"), parameter("items")
        self.model = [self.users, self.items]
        self.inner = torch.optim.Adam(self.model, lr=RATE, weight_decay=DECAY, fused=fused)
        self.popularity = torch.tensor(log.popularity, dtype=dtype)
        self.batches = [
            (torch.tensor(u[:n]).long(), torch.tensor(i[:n]).long(), torch.tensor(y[:n], dtype=dtype))
            for u, i, y, n in zip(log.users, log.items, log.feedback, log.counts)
        ]
        if method == "biif":
            self.exposure_users, self.gate = parameter("exposure_users"), parameter("gate")
            self.exposure_model = [self.exposure_users, self.gate]
            self.outer = torch.optim.Adam(self.exposure_model, lr=OUTER_RATE, fused=fused)
            self.validation = (
                torch.tensor(log.validation_users).long(),
                torch.tensor(log.validation_items).long(),
                torch.tensor(log.validation_feedback, dtype=dtype),
            )

    def exposure(self, users, items):
        """Eq. (14); the item factors are constants here."""
        theta = self.popularity[items]
        if self.method != "biif":
            return theta
        w = F.embedding(items, self.items.detach())
        affinity = torch.sigmoid((F.embedding(users, self.exposure_users) * w).sum(1))
        gate = torch.sigmoid(w @ self.gate[0, :-1] + self.gate[0, -1])
        return gate * affinity + (1 - gate) * theta

    def loss(self, users, items, y):
        s = logits(self.users, self.items, users, items)
        if self.method == "mf":
            return F.binary_cross_entropy_with_logits(s, y)
        m = self.exposure(users, items)
        if self.method == "relmf":
            return (F.softplus(s) - torch.where(y > 0, 1 / m, 0) * s).mean()
        return torch.where(y > 0, F.softplus(-s) - torch.log(m), -torch.log1p(-m * torch.sigmoid(s))).mean()

    def step(self, k):
        users, items, y = self.batches[k % len(self.batches)]
        loss = self.loss(users, items, y)
        if self.method == "biif":
            gradient = torch.autograd.grad(loss, self.model, create_graph=True)
            moved = [torch.sub(w, g, alpha=RATE) for w, g in zip(self.model, gradient)]
            v_users, v_items, v_y = self.validation
            outer = F.binary_cross_entropy_with_logits(logits(*moved, v_users, v_items), v_y)
            # The hypergradient without its factor RATE / n, METHODS 6.4.
            hypergradient = torch.autograd.grad(outer * (len(y) / RATE), self.exposure_model)
            move(self.outer, self.exposure_model, hypergradient)
        else:
            gradient = torch.autograd.grad(loss, self.model)
        move(self.inner, self.model, gradient)
        return loss.detach()

    def finish(self):
        pass

    def tables(self):
        names = ["users", "items", "exposure_users", "gate"]
        tables = self.model + (self.exposure_model if self.method == "biif" else [])
        return {name: table.detach() for name, table in zip(names, tables)}


def logits(user_table, item_table, users, items):
    return (F.embedding(users, user_table) * F.embedding(items, item_table)).sum(1)


def move(optimizer, parameters, gradient):
    for parameter, g in zip(parameters, gradient):
        parameter.grad = g.detach()
    optimizer.step()


if __name__ == "__main__":
    mode, folder, *settings = sys.argv[1:]
    torch.set_flush_denormal(True)
    log = Log(folder)
    if mode == "serve":
        threads, adam = settings
        if int(threads) > 0:
            torch.set_num_threads(int(threads))
        exchange.serve(lambda method: Steps(method, log, torch.float32, ADAM[adam]))
    else:
        for adam in ADAM:
            exchange.agree(lambda method: Steps(method, log, torch.float64, ADAM[adam]), f"torch-{adam}", folder)
