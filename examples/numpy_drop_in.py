"""A scientific script for NumPy, which runs on functrans when its import line is changed.

    python examples/numpy_drop_in.py [--short]

The script is what stands between the two lines of dashes: k-means, principal components, ridge
regression, a filter in frequency space, N bodies under gravity, and a summary of the data. Below
it, the same text is run with `import functrans.numpy as np` in place of its import line, as it is
and compiled by jit, and both are compared with NumPy.
"""
# ------------------------------------------------------------------------------------------------
import numpy as np
from numpy.random import default_rng


def nearest(points, centers):
    """The number of the center that each point is nearest to."""
    gaps = points[:, np.newaxis, :] - centers[np.newaxis, :, :]
    return np.argmin(np.sum(gaps ** 2, axis=-1), axis=1)


def k_means(points, centers, rounds=10):
    """Lloyd's algorithm: centers move to the mean of the points that are nearest to them."""
    count = len(centers)
    for _ in range(rounds):
        labels = nearest(points, centers)
        member = (labels[:, np.newaxis] == np.arange(count)).astype(points.dtype)
        sizes = np.sum(member, axis=0)
        means = member.T @ points / np.maximum(sizes, 1)[:, np.newaxis]
        centers = np.where(sizes[:, np.newaxis] > 0, means, centers)
    return centers, nearest(points, centers)


def principal_components(data, count):
    """Directions of largest variance, the share of each, and the data along them."""
    centered = data - np.mean(data, axis=0)
    _, sizes, directions = np.linalg.svd(centered, full_matrices=False)
    largest = np.argmax(np.abs(directions), axis=1)
    signs = np.sign(np.take_along_axis(directions, largest[:, np.newaxis], axis=1))
    directions = (directions * signs)[:count]
    shares = sizes ** 2 / np.sum(sizes ** 2)
    return directions, shares[:count], centered @ directions.T


def ridge(x, y, strength, degree=4):
    """A polynomial that fits y, its coefficients kept small; and the share it explains."""
    design = np.vander(x, degree + 1, increasing=True)
    penalty = strength * np.eye(degree + 1)
    weights = np.linalg.solve(design.T @ design + penalty, design.T @ y)
    residual = y - design @ weights
    return weights, 1 - np.sum(residual ** 2) / np.sum((y - y.mean()) ** 2)


def low_pass(signal, step, highest):
    """The signal without the frequencies above `highest`."""
    spectrum = np.fft.rfft(signal)
    frequencies = np.fft.rfftfreq(signal.size, step)
    kept = np.where(frequencies <= highest, spectrum, 0)
    power = np.abs(spectrum) ** 2 / signal.size
    return np.fft.irfft(kept, signal.size), frequencies[np.argmax(power[1:]) + 1]


def attraction(places, masses, softening=0.05):
    """The acceleration of each body by all others."""
    gaps = places[np.newaxis, :, :] - places[:, np.newaxis, :]
    distances = np.sqrt(np.sum(gaps ** 2, axis=-1) + softening ** 2)
    return np.einsum("ijk,ij,j->ik", gaps, distances ** -3, masses)


def orbits(places, speeds, masses, step=0.01, steps=20):
    """Leapfrog steps; the final state, the angular momentum, and the kinetic energy."""
    pull = attraction(places, masses)
    for _ in range(steps):
        speeds = speeds + step / 2 * pull
        places = places + step * speeds
        pull = attraction(places, masses)
        speeds = speeds + step / 2 * pull
    momentum = np.sum(masses[:, np.newaxis] * np.cross(places, speeds), axis=0)
    energy = 0.5 * np.sum(masses * np.sum(speeds ** 2, axis=1))
    return places, speeds, momentum, energy


def summary(x, y):
    """Quantiles, correlations, a histogram, a slope, and values between the samples."""
    order = np.argsort(x)
    x, y = x[order], y[order]
    quartiles = np.percentile(y, np.array([25.0, 50.0, 75.0]))
    counts, edges = np.histogram(y, bins=8, range=(-3.0, 3.0))
    slope = np.gradient(np.cumsum(y), x)
    between = np.interp(np.linspace(x[0], x[-1], 7), x, y)
    return quartiles, np.corrcoef(x, y), counts, edges, slope, np.trapezoid(y, x), between


def experiments(size=200):
    """The functions with their data, by name."""
    rng = default_rng(0)
    points = rng.normal(size=(size, 2)) + rng.choice([-4.0, 0.0, 4.0], size=(size, 1))
    table = np.asarray(rng.normal(size=(size, 5)) @ rng.normal(size=(5, 5)))
    x = np.asarray(rng.uniform(-1, 1, size))
    y = np.sin(3 * x) + 0.1 * np.asarray(rng.normal(size=size))
    time = np.arange(size) * 0.01
    wave = np.sin(2 * np.pi * 3 * time) + 0.3 * np.asarray(rng.normal(size=size))
    places, speeds = np.asarray(rng.normal(size=(2, 8, 3)))
    masses, points = np.asarray(rng.uniform(0.5, 1.5, 8)), np.asarray(points)
    return {
        "k-means": (k_means, (points, points[:3])),
        "principal components": (lambda data: principal_components(data, 2), (table,)),
        "ridge regression": (ridge, (x, y, np.asarray(0.1))),
        "low-pass filter": (lambda signal: low_pass(signal, 0.01, 5.0), (wave,)),
        "N bodies": (orbits, (places, speeds, masses)),
        "summary": (summary, (x, y)),
    }


# ------------------------------------------------------------------------------------------------

def on_functrans():
    """The script's `experiments`, of its text with one line changed."""
    from pathlib import Path
    text = Path(__file__).read_text()
    line = "\nimport numpy as np\n"
    assert text.count(line) == 1
    changed = text.replace(line, "\nimport functrans.numpy as np\n")
    names = {"__name__": "changed", "__file__": __file__}
    exec(compile(changed, __file__, "exec"), names)
    return names["experiments"]


def difference(got, expected) -> float:
    """The largest difference of two results, relative to the largest element of each part."""
    parts = zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]
    return max(float(np.max(np.abs(np.asarray(x) - y)) / max(np.max(np.abs(y)), 1e-300))
               for x, y in parts)


def compare(size: int) -> dict:
    """For each experiment the difference from NumPy: evaluated, and compiled."""
    import functrans as ft
    found = {}
    with ft.config.override(default_float="float64"):            # NumPy's
        ours = on_functrans()(size)
        for name, (function, data) in experiments(size).items():
            changed, arrays = ours[name]
            expected = function(*data)
            found[name] = (difference(changed(*arrays), expected),
                           difference(ft.jit(changed)(*arrays), expected))
    return found


def main(short: bool = False):
    print(f"{'largest relative difference from NumPy':40} {'evaluated':>10} {'compiled':>10}")
    for name, (evaluated, compiled) in compare(60 if short else 400).items():
        print(f"{name:40} {evaluated:10.1e} {compiled:10.1e}")


if __name__ == "__main__":
    import sys
    main("--short" in sys.argv)
