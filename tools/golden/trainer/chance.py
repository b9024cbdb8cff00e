"""Where random choices come from: numbers of PyTorch's side's own, or those that dctrain draws.

With `Program` the trainer here makes the choices that `dctrain fit` makes with the same seed, so
that both see the same crops in the same order from the same weights. With `Own` only the
distributions are the same.
"""

import math

import numpy

MASK = (1 << 64) - 1
PURPOSES = ["selection", "weights", "order", "crop", "dropout", "clustering", "head", "shipping"]


class Draws:
    """What both kinds of numbers offer, in single precision."""

    def uniforms(self, count):
        return numpy.array([self.uniform() for _ in range(count)])

    def between(self, low, high):
        low, high = numpy.float32(low), numpy.float32(high)
        return low + (high - low) * numpy.float32(self.uniform())

    def happens(self, probability):
        if probability <= 0:
            return False
        return probability >= 1 or self.uniform() < numpy.float32(probability)

    def permutation(self, count):
        order = list(range(count))
        for i in range(count - 1):
            j = i + self.index(count - i)
            order[i], order[j] = order[j], order[i]
        return order

    def normals(self, shape, deviation):
        """Box and Muller's way to normal numbers."""
        u = self.uniforms(2 * math.prod(shape)).reshape(-1, 2)
        normal = numpy.sqrt(-2 * numpy.log(1 - u[:, 0])) * numpy.cos(2 * math.pi * u[:, 1])
        return (normal.astype(numpy.float32) * numpy.float32(deviation)).reshape(shape)


class Own(Draws):
    """Numpy's generator, one sequence for all purposes."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)

    def stream(self, purpose, *place):
        return self

    def uniform(self):
        return float(self.random.random(dtype=numpy.float32))

    def uniforms(self, count):
        return self.random.random(count, dtype=numpy.float32).astype(float)

    def index(self, bound):
        return int(self.random.integers(bound))

    def seed(self):
        return int(self.random.integers(1 << 31))


class Program:
    """dctrain's numbers: a generator for each purpose and place in a run."""

    def __init__(self, seed):
        self.first = Xoshiro(seed).next()

    def stream(self, purpose, *place):
        mixed = PURPOSES.index(purpose) + 1
        for part in place:
            mixed = ((mixed + part + 1) & MASK) * 6364136223846793005 & MASK
        return Xoshiro(self.first ^ (mixed * 0xD1342543DE82EF95 & MASK))


class Xoshiro(Draws):
    """xoshiro256**, seeded by SplitMix64 (Blackman and Vigna, 2018)."""

    def __init__(self, seed):
        self.state = split_mix(seed)

    def next(self):
        s0, s1, s2, s3 = self.state
        product = s1 * 5 & MASK
        result = ((product << 7 | product >> 57) & MASK) * 9 & MASK
        s2 ^= s0
        s3 ^= s1
        self.state = (s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17 & MASK), (s3 << 45 | s3 >> 19) & MASK)
        return result

    def uniform(self):
        return (self.next() >> 40) * 2.0**-24

    def index(self, bound):
        """Lemire's way to a number below a bound, as Swift's standard library goes it."""
        product = self.next() * bound
        if product & MASK < bound:
            least = ((1 << 64) - bound) % bound
            while product & MASK < least:
                product = self.next() * bound
        return product >> 64

    def seed(self):
        return self.next() & 0xFFFFFFFF


def split_mix(seed):
    values = []
    for _ in range(4):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        values.append(z ^ z >> 31)
    return tuple(values)


def rotate(words, by):
    return words << numpy.uint64(by) | words >> numpy.uint64(64 - by)


def kept_by_dropout(seed, layer, pictures, elements, probability):
    """What dctrain's dropout keeps, [pictures, elements]: a sequence for each layer and picture."""
    first = Xoshiro(seed).next()
    streams = [((layer << 40) + n) * 0xD1342543DE82EF95 & MASK for n in range(pictures)]
    s0, s1, s2, s3 = numpy.array([split_mix(first ^ s) for s in streams], numpy.uint64).T
    kept = numpy.empty((pictures, elements), bool)
    for element in range(elements):
        result = rotate(s1 * numpy.uint64(5), 7) * numpy.uint64(9)
        shifted = s1 << numpy.uint64(17)
        s2, s3 = s2 ^ s0, s3 ^ s1
        s0, s1 = s0 ^ s3, s1 ^ s2
        s2, s3 = s2 ^ shifted, rotate(s3, 45)
        uniform = (result >> numpy.uint64(40)).astype(numpy.float32) * numpy.float32(2**-24)
        kept[:, element] = uniform >= numpy.float32(probability)
    return kept
