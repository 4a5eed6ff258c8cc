"""The stream of draws that a key names (`src/seed.rs`: Philox 4x32-10), for ops whose draws no range can fix."""

import numpy as np
from scipy.special import ndtri


def words(key, n):
    """The first `n` words of 32 bits."""
    counter = np.arange(-(-n // 4), dtype=np.uint64)
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    a, b, c, d = counter & mask, counter >> shift, np.zeros_like(counter), np.zeros_like(counter)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        left, right = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b = (right >> shift) ^ b ^ np.uint64(k0), right & mask
        c, d = (left >> shift) ^ d ^ np.uint64(k1), left & mask
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([a, b, c, d], -1).reshape(-1)[:n].astype(np.uint32)


def halves(key, n):
    """The first `n` draws of 16 bits, lower halves first."""
    both = words(key, -(-n // 2))
    return np.stack([both & 0xFFFF, both >> 16], -1).reshape(-1)[:n]


def normal(bits):
    """Standard normal values of 16 bits each."""
    value = np.rint(ndtri(0.5 + ((bits & 0x7FFF) + 0.5) / 65536) * 4096) / 4096
    return np.where(bits & 0x8000, -value, value)
