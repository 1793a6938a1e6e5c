"""Weighted ridge regression for many classes at once, by conjugate gradients in the dual, stopped early.

All classes share the two sparse products of a step, so that 150 of them cost little more than one; only
texts × classes numbers are kept beside one features × classes matrix. Measured against linear support vector machines and
scikit-learn's RidgeClassifier on the same rows: as good or better, and many times faster for many classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

PENALTY = 1.0
STEPS = 14
"""More steps fit the training texts closer and unseen ones worse."""

_ALMOST_NOTHING = 1e-12


def fit(
    matrix: sparse.csr_matrix, truth: Labels, classes: int, importance: Floats, penalty: float = PENALTY
) -> tuple[Floats, Floats]:
    """One-against-rest weights (features, classes) and offsets (classes,) for texts × features rows.

    `truth`: (texts,) in 0…classes-1; `importance`: (texts,), positive: how much each text counts.
    """
    texts = truth.size
    target = np.full((texts, classes), -1.0, dtype=np.float32)
    target[np.arange(texts), truth] = 1.0
    root = np.sqrt(importance.astype(np.float32))[:, None]
    scaled = sparse.csr_matrix(matrix.multiply(root), dtype=np.float32)
    turned = scaled.T.tocsr()

    mass = float(np.einsum("ij,ij->", root, root))

    def kernel(vectors: Floats) -> Floats:
        product: Floats = scaled @ (turned @ vectors)
        return product

    def centred(vectors: Floats) -> Floats:
        """Without the part that the offsets take up."""
        vectors -= root @ ((root.T @ vectors) / mass)
        return vectors

    aim = target * root
    solution = np.zeros_like(target)
    residual = centred(aim.copy())
    direction = residual.copy()
    size = np.einsum("ij,ij->j", residual, residual)
    for _ in range(STEPS):
        image = centred(kernel(direction))
        image += penalty * direction
        step = size / np.maximum(np.einsum("ij,ij->j", direction, image), _ALMOST_NOTHING)
        solution += step * direction
        residual -= step * image
        shrunk = np.einsum("ij,ij->j", residual, residual)
        direction *= shrunk / np.maximum(size, _ALMOST_NOTHING)
        direction += residual
        size = shrunk
    weights: Floats = turned @ solution
    offsets: Floats = (root.T @ (aim - scaled @ weights))[0] / mass
    return weights, offsets


def balanced(truth: Labels, classes: int, importance: Floats) -> Floats:
    """`importance` scaled so that every class that occurs counts nearly alike (the root of full balance)."""
    totals = np.bincount(truth, weights=importance, minlength=classes)
    share = totals.sum() / (max(int((totals > 0).sum()), 1) * np.maximum(totals, _ALMOST_NOTHING))
    counted: Floats = (importance * np.sqrt(share)[truth]).astype(np.float32)
    return counted
