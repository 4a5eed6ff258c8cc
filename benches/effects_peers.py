"""What one label of one run on one resample of the test images costs with scikit-learn, beside `cargo bench --bench effects`.

Run: python benches/effects_peers.py [IMAGES]   (numpy 2.4.6, scikit-learn 1.7.2)
"""
import sys
import time

import numpy as np
from sklearn.metrics import average_precision_score

images = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
rng = np.random.default_rng(1)
truth = rng.random(images) < 0.1
scores = (1.5 * truth + rng.normal(0, 1, images)).astype(np.float32)
seconds = []
for _ in range(5):
    started = time.perf_counter()
    for _ in range(50):
        rows = rng.integers(0, images, images)
        average_precision_score(truth[rows], scores[rows])
    seconds.append((time.perf_counter() - started) / 50)
print(f"scikit-learn: {min(seconds) * 1e6:.0f} us of one thread for one label of one run on one resample of {images} images")
