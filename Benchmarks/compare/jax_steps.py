"""MF, RelMF, UMF and Biif in JAX: one jitted function per step, its state donated.

    python jax_steps.py serve FOLDER     timing in float32
    python jax_steps.py agree FOLDER     the first steps in float64
"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
from jax.nn import sigmoid, softplus

import exchange
from exchange import DECAY, OUTER_RATE, RATE, Log


def logits(model, users, items):
    return (model["users"][users] * model["items"][items]).sum(1)


def cross_entropy(s, y):
    return softplus(s) - y * s


def exposures(exposure_model, model, users, items, theta):
    """Eq. (14); the item factors are constants here."""
    w = jax.lax.stop_gradient(model["items"][items])
    affinity = sigmoid((exposure_model["exposure_users"][users] * w).sum(1))
    a, b = exposure_model["gate"][0, :-1], exposure_model["gate"][0, -1]
    gate = sigmoid(w @ a + b)
    return gate * affinity + (1 - gate) * theta


def mean_loss(model, exposure_model, batch, popularity, method):
    """Mean over the pairs of a batch that are no padding."""
    users, items, y, count = batch
    s = logits(model, users, items)
    theta = popularity[items]
    if method == "mf":
        losses = cross_entropy(s, y)
    elif method == "relmf":
        losses = softplus(s) - jnp.where(y > 0, 1 / theta, 0) * s
    else:
        m = exposures(exposure_model, model, users, items, theta) if method == "biif" else theta
        losses = jnp.where(y > 0, softplus(-s) - jnp.log(m), -jnp.log1p(-m * sigmoid(s)))
    return jnp.where(jnp.arange(len(users)) < count, losses, 0).sum() / count


def adam(parameters, moments, gradient, t, rate, decay):
    def one(w, m, v, g):
        g = g + decay * w
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        return w - rate * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    moved = {name: one(parameters[name], *moments[name], gradient[name]) for name in parameters}
    return {name: new[0] for name, new in moved.items()}, {name: new[1:] for name, new in moved.items()}


@partial(jax.jit, static_argnames="method", donate_argnames="state")
def step(state, batches, k, validation, popularity, method):
    batch = tuple(column[k] for column in batches)
    model, exposure_model = state["model"], state["exposure_model"]
    t = state["t"] + 1

    def inner_loss(model, exposure_model):
        return mean_loss(model, exposure_model, batch, popularity, method)

    def outer_loss(exposure_model):
        loss, gradient = jax.value_and_grad(inner_loss)(model, exposure_model)
        moved = {name: model[name] - RATE * gradient[name] for name in model}
        users, items, y = validation
        # The hypergradient without its factor RATE / n, METHODS 6.4.
        return cross_entropy(logits(moved, users, items), y).mean() * (batch[3] / RATE), (loss, gradient)

    if method == "biif":
        hypergradient, (loss, gradient) = jax.grad(outer_loss, has_aux=True)(exposure_model)
        exposure_model, outer_moments = adam(exposure_model, state["outer"], hypergradient, t, OUTER_RATE, 0)
    else:
        loss, gradient = jax.value_and_grad(inner_loss)(model, exposure_model)
        outer_moments = state["outer"]
    model, inner_moments = adam(model, state["inner"], gradient, t, RATE, DECAY)
    return {
        "model": model, "exposure_model": exposure_model, "inner": inner_moments, "outer": outer_moments, "t": t
    }, loss


class Steps:
    def __init__(self, method, log, dtype):
        def tables(*names):
            return {name: jnp.array(log.initial(name), dtype) for name in names}

        def zeros(tables):
            return {name: (jnp.zeros_like(table), jnp.zeros_like(table)) for name, table in tables.items()}

        self.method = method
        model = tables("users", "items")
        exposure_model = tables("exposure_users", "gate") if method == "biif" else {}
        self.state = {
            "model": model, "exposure_model": exposure_model, "inner": zeros(model), "outer": zeros(exposure_model),
            "t": jnp.zeros((), dtype),
        }
        self.popularity = jnp.array(log.popularity, dtype)
        self.batches = (
            jnp.array(log.users), jnp.array(log.items), jnp.array(log.feedback, dtype), jnp.array(log.counts, dtype)
        )
        self.validation = (
            jnp.array(log.validation_users), jnp.array(log.validation_items), jnp.array(log.validation_feedback, dtype)
        )

    def step(self, k):
        batch = k % len(self.batches[0])
        self.state, loss = step(self.state, self.batches, batch, self.validation, self.popularity, self.method)
        return loss

    def finish(self):
        jax.block_until_ready(self.state)

    def tables(self):
        return self.state["model"] | self.state["exposure_model"]


if __name__ == "__main__":
    mode, folder = sys.argv[1:]
    jax.config.update("jax_enable_x64", mode == "agree")
    log = Log(folder)
    dtype = jnp.float32 if mode == "serve" else jnp.float64
    make_case = lambda method: Steps(method, log, dtype)
    exchange.serve(make_case) if mode == "serve" else exchange.agree(make_case, "jax", folder)
