"""A pendulum swings up: gradients through an adaptive integrator, which is a while loop.

    python examples/pendulum.py [--short] [--output FOLDER]

The equation of a pendulum with friction and a motor, angle'' = -sin(angle) - c angle' + torque, is
solved by the method of Dormand and Prince, which chooses its steps by an estimate of their error:
how many there are depends on the solution. Two things need derivatives through that loop:

- Which push at the start, and which steady torque, bring the pendulum to rest upside down at a
  given time? Newton's method solves for both, with the Jacobian by reverse mode.
- How far do two pendulums drift apart that start almost alike? The derivative of the end with
  respect to the start tells, for a whole grid of starts at once: `vmap` of forward mode, in which
  each start makes as many steps as it needs.

A picture of both is left in the output folder.

Source: Dormand and Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6
(1980).
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.extras import require

FRICTION = 0.1                 # per second
TOLERANCE = 1e-8               # of the error of a step

# The method: times of the stages, their weights, and the weights of fifth and fourth order.
STAGES = ((), (1 / 5,), (3 / 40, 9 / 40), (44 / 45, -56 / 15, 32 / 9),
          (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
          (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656))
FIFTH = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
FOURTH = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)


# ---- the integrator ----

def combined(y, h, slopes, weights):
    """y + h times the weighted sum of slopes."""
    return y + h * sum(weight * slope for weight, slope in zip(weights, slopes) if weight)


def step_of(f, y, slope, h):
    """One step of length h: (the new state, its slope, the estimated error)."""
    slopes = [slope]
    for weights in STAGES[1:]:
        slopes.append(f(combined(y, h, slopes, weights)))
    new = combined(y, h, slopes, FIFTH)
    slopes.append(f(new))
    return new, slopes[-1], new - combined(y, h, slopes, FOURTH)


def integrate(f, y, duration):
    """The state after `duration`, for y' = f(y), and the number of steps that were tried.

    Derivatives take the lengths of the steps as they were chosen: they are those of the solution,
    as exact as it is.
    """
    def unfinished(state):
        return state["left"] > 0

    def advance(state):
        h = fnp.minimum(state["h"], state["left"])
        new, slope, error = step_of(f, state["y"], state["slope"], h)
        size = ft.stop_gradient(fnp.sqrt((error * error).mean()) / TOLERANCE)
        accepted = size <= 1
        factor = fnp.clip(0.9 * fnp.maximum(size, 1e-10) ** -0.2, 0.2, 5.0)
        return {"y": fnp.where(accepted, new, state["y"]),
                "slope": fnp.where(accepted, slope, state["slope"]),
                "left": fnp.where(accepted, state["left"] - h, state["left"]),
                "h": h * factor, "steps": state["steps"] + 1}

    start = {"y": y, "slope": f(y), "left": duration, "h": duration * 0 + 0.05, "steps": 0}
    end = lax.while_loop(unfinished, advance, start)
    return end["y"], end["steps"]


def pendulum(torque):
    """The slope of the state (angle, angular velocity)."""
    def f(y):
        angle, velocity = y[0], y[1]
        return fnp.stack([velocity, torque - fnp.sin(angle) - FRICTION * velocity])
    return f


# ---- swinging up ----

def end_of(controls, duration):
    """The state after `duration`, from hanging at rest, with controls (push, torque)."""
    push, torque = controls[0], controls[1]
    start = fnp.stack([push * 0, push])
    return integrate(pendulum(torque), start, duration)[0]


def swing_up(duration, rounds: int):
    """Controls that leave the pendulum upside down at rest, by Newton's method with short steps."""
    target = np.array([np.pi, 0.0])

    @ft.jit
    def improved(controls):
        miss = end_of(controls, duration) - target
        jacobian = ft.jacrev(lambda c: end_of(c, duration))(controls)
        change = fnp.linalg.solve(jacobian, miss)
        shorter = fnp.minimum(1.0, 0.3 / fnp.sqrt((change ** 2).sum()))
        return controls - shorter * change, fnp.sqrt((miss ** 2).sum())

    controls = fnp.array([2.0, 0.1], dtype="float64")
    for number in range(rounds):
        controls, miss = improved(controls)
        print(f"round {number + 1:2}: misses by {float(miss):.1e}")
        if miss < 1e-9:
            break
    return controls


def check_gradient(controls, duration):
    """The derivative of the end angle, by reverse mode and by differences."""
    slope = np.asarray(ft.jit(ft.grad(lambda c: end_of(c, duration)[0]))(controls))
    angle = ft.jit(lambda c: end_of(c, duration)[0])
    h = 1e-5
    differences = [(float(angle(controls + h * unit)) - float(angle(controls - h * unit))) / (2 * h)
                   for unit in np.eye(2)]
    error = np.max(np.abs(slope - differences)) / np.max(np.abs(differences))
    print(f"d angle / d (push, torque) = {slope.round(6)}; differences agree to {error:.0e}")


def path_of(start, torque, times):
    """States (len(times), 2) at equally spaced times."""
    pause = times[1] - times[0]

    def advance(y, _):
        return integrate(pendulum(torque), y, pause)[0], y
    return lax.scan(advance, start, times)[1]


# ---- drifting apart ----

def sensitivity(duration):
    """For starts (n, 2): how much a small change of the velocity grows, and the steps made."""
    def lane(start):
        def end(velocity):
            state, steps = integrate(pendulum(0.0), fnp.stack([start[0], velocity]), duration)
            return state, steps
        (_, steps), (change, _) = ft.jvp(end, (start[1],), (fnp.ones_like(start[1]),))
        return fnp.sqrt((change ** 2).sum()), steps
    return ft.jit(ft.vmap(lane))


def grid_of(width: int, height: int):
    """Angles, velocities, and all pairs of them, row by row."""
    angles, velocities = np.linspace(-np.pi, np.pi, width), np.linspace(-3.2, 3.2, height)
    pairs = np.stack(np.meshgrid(angles, velocities), -1).reshape(-1, 2)
    return angles, velocities, pairs


# ---- the picture ----

def draw(path: Path, swing, free, angles, velocities, growth, duration):
    """Left: paths in the plane of angle and velocity. Right: how much starts drift apart."""
    figure_class = require("matplotlib.figure", "examples").Figure
    figure = figure_class(figsize=(11.5, 4.6), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    for states in free:
        left.plot(states[:, 0] / np.pi, states[:, 1], color="#9db4c8", linewidth=0.8)
    left.plot(swing[:, 0] / np.pi, swing[:, 1], color="#c2410c", linewidth=2.4)
    left.plot(*swing[0] / [np.pi, 1], "o", color="#c2410c", label="hanging, with a push")
    left.plot(*swing[-1] / [np.pi, 1], "^", color="#c2410c", markersize=9,
              label="upside down, at rest")
    left.set(xlim=(-1.25, 1.25), ylim=(-3.4, 3.4), xlabel="angle / π",
             ylabel="angular velocity (1/s)", title="The swing that Newton's method found")
    left.legend(loc="lower right", framealpha=0.95, edgecolor="none")
    image = right.pcolormesh(angles / np.pi, velocities, np.log10(growth), cmap="magma",
                             shading="gouraud", vmin=-0.6, vmax=2.8)
    figure.colorbar(image, ax=right, extend="both",
                    label=f"log10 of |∂ end / ∂ velocity| after {duration:g} s")
    right.set(xlabel="angle at the start / π", ylabel="angular velocity at the start (1/s)",
              title="Where pendulums that start alike part ways")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    print(f"saved {path}")


def free_paths(count: int, times):
    """Paths without motor: around the lower equilibrium, and over the top both ways."""
    starts = np.stack([np.zeros(count // 2), np.linspace(0.5, 2.0, count // 2)], 1)
    over = np.stack([np.full(count, -1.25 * np.pi), np.linspace(0.3, 3.2, count)], 1)
    every = np.concatenate([starts, -starts, over, -over])
    return np.asarray(ft.jit(ft.vmap(lambda y: path_of(y, 0.0, times)))(every))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a small picture, in seconds")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output",
                        help="where the picture goes")
    options = parser.parse_args(arguments)
    duration = np.float64(5.0)
    controls = swing_up(duration, 30)
    print(f"a push of {float(controls[0]):.4f} and a torque of {float(controls[1]):.4f}")
    check_gradient(controls, duration)

    angles, velocities, starts = grid_of(*(24, 16) if options.short else (320, 220))
    grow = sensitivity(np.float64(12.0))
    started = time.perf_counter()
    growth, steps = map(np.asarray, grow(starts))
    print(f"{len(starts)} starts with {steps.min()} to {steps.max()} steps each: "
          f"{time.perf_counter() - started:.1f} s")

    times = np.linspace(0.0, duration, 30 if options.short else 200)
    swing = np.asarray(ft.jit(path_of)(np.stack([0.0, controls[0]]), controls[1], times))
    draw(options.output / "pendulum.png", swing, free_paths(5 if options.short else 9, times * 2),
         angles, velocities, growth.reshape(len(velocities), len(angles)), 12.0)


if __name__ == "__main__":
    main()
