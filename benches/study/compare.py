"""The effects of a multirun of glue.py, from MLflow's runs: mean test score by variant, and its differences to `none`, paired by seed.

    python compare.py [EXPERIMENT]
"""

import sys

import mlflow
import numpy as np
from scipy import stats

mlflow.set_tracking_uri("file:mlruns")
runs = mlflow.search_runs(experiment_names=sys.argv[1:] or ["study"], filter_string="attributes.status = 'FINISHED'")
# Newest first: of a variant that was run again, the last counts.
scores = runs.pivot_table(index="params.variant", columns="params.seed", values="metrics.test_map", aggfunc="first")
differences = (scores - scores.loc["none"]).drop(index="none")
print(f"test mAP, {scores.shape[1]} seeds")
for variant, row in scores.iterrows():
    print(f"  {variant:8} {row.mean():.4f} (sd {row.std():.4f})")
print("difference to none, 95 % interval")
for variant, row in differences.iterrows():
    half = stats.t.ppf(0.975, len(row) - 1) * row.std() / np.sqrt(len(row)) if len(row) > 1 else np.nan
    print(f"  {variant:8} {row.mean():+.4f} +- {half:.4f}")
scores.to_csv("scores.csv")
